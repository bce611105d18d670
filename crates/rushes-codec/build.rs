//! Tells the code which FFmpeg it is built against, where that matters.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(coded_side_data)");
    println!("cargo::rustc-check-cfg=cfg(const_write)");
    // Since 7.0 what is written is const.
    if std::env::var_os("DEP_FFMPEG_FFMPEG_7_0").is_some() {
        println!("cargo::rustc-cfg=const_write");
    }
    // Since 6.1 a stream's side data is found in its codec parameters.
    if std::env::var_os("DEP_FFMPEG_FFMPEG_6_1").is_some() {
        println!("cargo::rustc-cfg=coded_side_data");
    }
}
