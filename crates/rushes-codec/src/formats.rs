use rushes_media::MediaKind::{self, Audio, Still, Video};

/// A container or still format that Rushes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Short name, unique: `mp4`, `matroska`, `jpeg`.
    pub name: &'static str,
    /// The name in words.
    pub words: &'static str,
    /// Media type (RFC 6838) when it holds what it usually holds.
    pub mime: &'static str,
    /// Extensions that it goes by, in lower case without the dot.
    pub extensions: &'static [&'static str],
    /// What it usually holds; the streams decide for each file.
    pub kind: MediaKind,
    /// Short names of the libav demuxers that read it. Only demuxers named in
    /// this table are ever opened; none for a format with a reader of its own.
    pub demuxers: &'static [&'static str],
}

impl Format {
    /// The format of this short name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The first format that goes by this extension (lower case, no dot).
    #[must_use]
    pub fn by_extension(extension: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.extensions.contains(&extension))
    }

    /// The format that this libav demuxer reads; a demuxer's name may be a
    /// list with commas.
    pub(crate) fn by_demuxer(demuxer: &str) -> Option<&'static Format> {
        demuxer
            .split(',')
            .find_map(|name| FORMATS.iter().find(|format| format.demuxers.contains(&name)))
    }

    /// Whether a file of this format may well go by the extension: one of its
    /// own, or one of a format that shares its demuxer, as mp4 and mov do.
    pub(crate) fn goes_by(&self, extension: &str) -> bool {
        FORMATS.iter().any(|format| {
            format.extensions.contains(&extension)
                && (format.name == self.name
                    || format.demuxers.iter().any(|demuxer| self.demuxers.contains(demuxer)))
        })
    }
}

const fn format(
    name: &'static str,
    words: &'static str,
    mime: &'static str,
    extensions: &'static [&'static str],
    kind: MediaKind,
    demuxers: &'static [&'static str],
) -> Format {
    Format { name, words, mime, extensions, kind, demuxers }
}

/// Every format that Rushes names, stills first.
///
/// Playlists, subtitles, devices and anything that names other files are left
/// out on purpose: a media file never makes Rushes open another one.
#[rustfmt::skip]
pub static FORMATS: &[Format] = &[
    format("jpeg", "JPEG", "image/jpeg", &["jpg", "jpeg", "jpe", "jfif", "mpo"], Still, &[]),
    format("png", "PNG", "image/png", &["png"], Still, &[]),
    format("apng", "animated PNG", "image/apng", &["apng", "png"], Video, &["apng"]),
    format("gif", "GIF", "image/gif", &["gif"], Still, &["gif"]),
    format("webp", "WebP", "image/webp", &["webp"], Still, &[]),
    format("tiff", "TIFF", "image/tiff", &["tif", "tiff"], Still, &["tiff_pipe"]),
    format("bmp", "Windows bitmap", "image/bmp", &["bmp", "dib"], Still, &[]),
    format("ico", "Windows icon", "image/vnd.microsoft.icon", &["ico", "cur"], Still, &[]),
    format("heic", "HEIF with HEVC", "image/heic", &["heic", "heif", "hif", "heics", "heifs"], Still, &[]),
    format("avif", "AVIF", "image/avif", &["avif", "avifs"], Still, &[]),
    format("hdr", "Radiance HDR", "image/vnd.radiance", &["hdr", "rgbe", "pic"], Still, &[]),
    format("exr", "OpenEXR", "image/x-exr", &["exr"], Still, &[]),
    format("pnm", "Netpbm", "image/x-portable-anymap", &["pnm", "pbm", "pgm", "ppm", "pam"], Still, &[]),
    format("pfm", "Portable float map", "image/x-portable-floatmap", &["pfm", "phm"], Still, &["pfm_pipe", "phm_pipe"]),
    format("qoi", "QOI", "image/qoi", &["qoi"], Still, &[]),
    format("tga", "Targa", "image/x-tga", &["tga"], Still, &[]),
    format("dng", "Adobe digital negative", "image/x-adobe-dng", &["dng"], Still, &[]),
    format("cr2", "Canon RAW 2", "image/x-canon-cr2", &["cr2"], Still, &[]),
    format("cr3", "Canon RAW 3", "image/x-canon-cr3", &["cr3"], Still, &[]),
    format("nef", "Nikon RAW", "image/x-nikon-nef", &["nef", "nrw"], Still, &[]),
    format("arw", "Sony RAW", "image/x-sony-arw", &["arw", "sr2", "srf"], Still, &[]),
    format("raf", "Fujifilm RAW", "image/x-fuji-raf", &["raf"], Still, &[]),
    format("orf", "Olympus RAW", "image/x-olympus-orf", &["orf"], Still, &[]),
    format("rw2", "Panasonic RAW", "image/x-panasonic-rw2", &["rw2"], Still, &[]),
    format("pef", "Pentax RAW", "image/x-pentax-pef", &["pef"], Still, &[]),
    format("srw", "Samsung RAW", "image/x-samsung-srw", &["srw"], Still, &[]),
    format("jp2", "JPEG 2000", "image/jp2", &["jp2", "j2k", "j2c", "jpf", "jpx"], Still, &["j2k_pipe"]),
    format("jxl", "JPEG XL", "image/jxl", &["jxl"], Still, &["jpegxl_pipe", "jpegxl_anim"]),
    format("jls", "JPEG-LS", "image/jls", &["jls"], Still, &["jpegls_pipe"]),
    format("dpx", "DPX", "image/x-dpx", &["dpx"], Still, &["dpx_pipe"]),
    format("psd", "Photoshop document", "image/vnd.adobe.photoshop", &["psd"], Still, &["psd_pipe"]),
    format("sgi", "Silicon Graphics image", "image/sgi", &["sgi", "rgb", "bw"], Still, &["sgi_pipe"]),
    format("sun", "Sun raster", "image/x-sun-raster", &["ras", "sun"], Still, &["sunrast_pipe"]),
    format("pcx", "PC Paintbrush", "image/vnd.zbrush.pcx", &["pcx"], Still, &["pcx_pipe"]),
    format("pcd", "Photo CD", "image/x-photo-cd", &["pcd"], Still, &["photocd_pipe"]),
    format("dds", "DirectDraw surface", "image/vnd-ms.dds", &["dds"], Still, &["dds_pipe"]),
    format("xbm", "X bitmap", "image/x-xbitmap", &["xbm"], Still, &["xbm_pipe"]),
    format("xwd", "X window dump", "image/x-xwindowdump", &["xwd"], Still, &["xwd_pipe"]),
    format("fits", "FITS", "image/fits", &["fits", "fit", "fts"], Still, &["fits"]),

    format("mp4", "MPEG-4", "video/mp4", &["mp4", "m4v", "mp4v", "f4v"], Video, &["mov"]),
    format("mov", "QuickTime", "video/quicktime", &["mov", "qt"], Video, &["mov"]),
    format("m4a", "MPEG-4 audio", "audio/mp4", &["m4a", "m4b", "m4p", "m4r", "alac"], Audio, &["mov"]),
    format("3gp", "3GPP", "video/3gpp", &["3gp", "3gpp"], Video, &["mov"]),
    format("3g2", "3GPP2", "video/3gpp2", &["3g2", "3gp2"], Video, &["mov"]),
    format("mj2", "Motion JPEG 2000", "video/mj2", &["mj2", "mjp2"], Video, &["mov"]),
    format("matroska", "Matroska", "video/matroska", &["mkv", "mka", "mk3d"], Video, &["matroska"]),
    format("webm", "WebM", "video/webm", &["webm"], Video, &["matroska"]),
    format("avi", "AVI", "video/vnd.avi", &["avi", "divx"], Video, &["avi"]),
    format("asf", "Windows Media", "video/x-ms-asf", &["wmv", "wma", "asf"], Video, &["asf", "asf_o"]),
    format("flv", "Flash video", "video/x-flv", &["flv"], Video, &["flv"]),
    format("mpegts", "MPEG transport stream", "video/mp2t", &["ts", "mts", "m2ts", "m2t", "tp", "trp"], Video, &["mpegts"]),
    format("mpeg", "MPEG program stream", "video/mpeg", &["mpg", "mpeg", "vob", "m2p", "mod", "evo"], Video, &["mpeg"]),
    format("m2v", "MPEG video", "video/mpeg", &["m1v", "m2v", "mpv"], Video, &["mpegvideo"]),
    format("m4v", "MPEG-4 video, bare", "video/mpeg4-generic", &["cmp4"], Video, &["m4v"]),
    format("h264", "H.264, bare", "video/h264", &["h264", "264", "avc", "h26l"], Video, &["h264"]),
    format("hevc", "HEVC, bare", "video/h265", &["hevc", "h265", "265"], Video, &["hevc"]),
    format("vvc", "VVC, bare", "video/h266", &["vvc", "h266", "266"], Video, &["vvc"]),
    format("av1", "AV1, bare", "video/av1", &["obu", "av1"], Video, &["av1", "obu"]),
    format("ivf", "IVF", "video/x-ivf", &["ivf"], Video, &["ivf"]),
    format("mjpeg", "Motion JPEG, bare", "video/x-motion-jpeg", &["mjpeg", "mjpg"], Video, &["mjpeg", "mjpeg_2000"]),
    format("dv", "DV", "video/dv", &["dv", "dif"], Video, &["dv"]),
    format("mxf", "MXF", "application/mxf", &["mxf"], Video, &["mxf"]),
    format("gxf", "GXF", "video/x-gxf", &["gxf"], Video, &["gxf"]),
    format("lxf", "Leitch LXF", "video/x-lxf", &["lxf"], Video, &["lxf"]),
    format("r3d", "REDCODE RAW", "video/x-red-r3d", &["r3d"], Video, &["r3d"]),
    format("cine", "Phantom Cine", "video/x-phantom-cine", &["cine"], Video, &["cine"]),
    format("ogg", "Ogg", "video/ogg", &["ogg", "oga", "ogv", "ogx", "opus", "spx", "oggflac", "oggtheora"], Audio, &["ogg"]),
    format("nut", "NUT", "video/x-nut", &["nut"], Video, &["nut"]),
    format("rm", "RealMedia", "application/vnd.rn-realmedia", &["rm", "rmvb", "ra"], Video, &["rm"]),
    format("wtv", "Windows recorded TV", "video/x-wtv", &["wtv"], Video, &["wtv"]),
    format("ty", "TiVo", "video/x-tivo", &["ty", "ty+"], Video, &["ty"]),
    format("pva", "TechnoTrend PVA", "video/x-pva", &["pva"], Video, &["pva"]),
    format("dhav", "Dahua video", "video/x-dav", &["dav"], Video, &["dhav"]),
    format("swf", "Shockwave Flash", "application/vnd.adobe.flash.movie", &["swf"], Video, &["swf"]),
    format("norpix", "StreamPix recording (Norpix)", "video/x-norpix-seq", &["seq"], Video, &[]),
    format("hiris", "Hiris recording (R&D Vision)", "video/x-hiris-seq", &["seq"], Video, &[]),
    format("y4m", "YUV4MPEG2", "video/x-yuv4mpeg", &["y4m"], Video, &["yuv4mpegpipe"]),
    format("vc1", "VC-1, bare", "video/vc1", &["vc1", "rcv"], Video, &["vc1", "vc1test"]),
    format("dirac", "Dirac", "video/x-dirac", &["drc", "vc2"], Video, &["dirac"]),
    format("dnxhd", "DNxHD, bare", "video/x-dnxhd", &["dnxhd", "dnxhr"], Video, &["dnxhd"]),
    format("avs", "AVS video, bare", "video/x-avs", &["cavs", "avs2", "avs3"], Video, &["cavsvideo", "avs2", "avs3"]),
    format("h263", "H.263, bare", "video/h263", &["h263", "h261"], Video, &["h263", "h261"]),
    format("flic", "FLIC animation", "video/x-flic", &["fli", "flc"], Video, &["flic"]),

    format("mp3", "MP3", "audio/mpeg", &["mp3", "mp2", "mp1", "mpa", "m2a"], Audio, &["mp3"]),
    format("aac", "AAC, bare", "audio/aac", &["aac", "adts"], Audio, &["aac"]),
    format("loas", "AAC in LOAS", "audio/usac", &["latm", "loas"], Audio, &["loas"]),
    format("flac", "FLAC", "audio/flac", &["flac"], Audio, &["flac"]),
    format("wav", "WAVE", "audio/vnd.wave", &["wav", "wave", "bwf", "rf64"], Audio, &["wav"]),
    format("w64", "Wave64", "audio/x-w64", &["w64"], Audio, &["w64"]),
    format("aiff", "AIFF", "audio/aiff", &["aif", "aiff", "aifc", "afc"], Audio, &["aiff"]),
    format("au", "Sun audio", "audio/basic", &["au", "snd"], Audio, &["au"]),
    format("caf", "Core Audio", "audio/x-caf", &["caf"], Audio, &["caf"]),
    format("ape", "Monkey's Audio", "audio/x-ape", &["ape", "mac"], Audio, &["ape"]),
    format("wv", "WavPack", "audio/x-wavpack", &["wv"], Audio, &["wv"]),
    format("tta", "True Audio", "audio/x-tta", &["tta"], Audio, &["tta"]),
    format("tak", "TAK", "audio/x-tak", &["tak"], Audio, &["tak"]),
    format("shn", "Shorten", "audio/x-shorten", &["shn"], Audio, &["shn"]),
    format("mpc", "Musepack", "audio/x-musepack", &["mpc", "mp+", "mpp"], Audio, &["mpc", "mpc8"]),
    format("dsf", "DSD stream file", "audio/x-dsf", &["dsf"], Audio, &["dsf"]),
    format("dff", "IFF (DSDIFF, 8SVX)", "audio/x-dff", &["dff", "iff", "8svx"], Audio, &["iff"]),
    format("wsd", "Wideband DSD", "audio/x-wsd", &["wsd"], Audio, &["wsd"]),
    format("ac3", "Dolby Digital", "audio/ac3", &["ac3", "eac3", "ec3", "a52"], Audio, &["ac3", "eac3"]),
    format("ac4", "Dolby AC-4", "audio/ac4", &["ac4"], Audio, &["ac4"]),
    format("dts", "DTS", "audio/vnd.dts", &["dts", "dtshd"], Audio, &["dts", "dtshd"]),
    format("mlp", "MLP and TrueHD", "audio/vnd.dolby.mlp", &["mlp", "thd", "truehd"], Audio, &["mlp", "truehd"]),
    format("amr", "AMR", "audio/amr", &["amr", "awb"], Audio, &["amr"]),
    format("qcp", "QCP", "audio/qcelp", &["qcp"], Audio, &["qcp"]),
    format("oma", "Sony OpenMG", "audio/x-oma", &["oma", "omg", "aa3", "at3", "at9"], Audio, &["oma"]),
    format("aea", "MiniDisc ATRAC", "audio/x-aea", &["aea"], Audio, &["aea"]),
    format("voc", "Creative voice", "audio/x-voc", &["voc"], Audio, &["voc"]),
    format("sox", "SoX", "audio/x-sox", &["sox"], Audio, &["sox"]),
    format("nist", "NIST Sphere", "audio/x-nist", &["sph", "nist"], Audio, &["nistsphere"]),
    format("ircam", "IRCAM sound", "audio/x-ircam", &["ircam", "sf"], Audio, &["ircam"]),
    format("adx", "CRI ADX", "audio/x-adx", &["adx"], Audio, &["adx"]),
    format("avr", "Audio Visual Research", "audio/x-avr", &["avr"], Audio, &["avr"]),
    format("spdif", "S/PDIF (IEC 61937)", "audio/x-spdif", &["spdif"], Audio, &["spdif"]),
    format("sbc", "Bluetooth SBC", "audio/sbc", &["sbc", "msbc"], Audio, &["sbc"]),
    format("xwma", "Microsoft xWMA", "audio/x-xwma", &["xwma"], Audio, &["xwma"]),
    format("vqf", "TwinVQ", "audio/x-twinvq", &["vqf", "vql", "vqe"], Audio, &["vqf"]),
    format("ilbc", "iLBC", "audio/ilbc", &["lbc"], Audio, &["ilbc"]),
    format("codec2", "Codec 2", "audio/x-codec2", &["c2"], Audio, &["codec2"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_rows_are_whole() {
        let names: BTreeSet<&str> = FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(names.len(), FORMATS.len());
        for format in FORMATS {
            assert_eq!(Format::named(format.name), Some(format));
            assert!(!format.words.is_empty() && format.mime.split('/').count() == 2, "{format:?}");
            assert!(!format.extensions.is_empty(), "{format:?}");
            for extension in format.extensions {
                assert_eq!(*extension, extension.to_ascii_lowercase());
                assert!(format.goes_by(extension) && Format::by_extension(extension).is_some());
            }
        }
    }

    #[test]
    fn nothing_that_names_other_files_is_read() {
        let banned = [
            "hls",
            "dash",
            "concat",
            "sdp",
            "rtsp",
            "rtp",
            "image2",
            "image2pipe",
            "lavfi",
            "tty",
            "ansi",
            "xbin",
            "bin",
            "ffmetadata",
            "imf",
            "srt",
            "ass",
            "webvtt",
            "vobsub",
            "sami",
            "svg_pipe",
            "webm_dash_manifest",
            "rawvideo",
            "data",
            "fbdev",
            "x11grab",
            "alsa",
            "video4linux2",
            "mpjpeg",
            "applehttp",
        ];
        for demuxer in FORMATS.iter().flat_map(|format| format.demuxers) {
            assert!(!banned.contains(demuxer), "{demuxer}");
        }
    }

    #[test]
    fn families_share_extensions() {
        let named = |name| Format::named(name).unwrap();
        assert!(named("mov").goes_by("mp4") && named("m4a").goes_by("mov"));
        assert!(!named("matroska").goes_by("mp4") && !named("mp3").goes_by("wav"));
        assert_eq!(Format::by_demuxer("mov,mp4,m4a,3gp,3g2,mj2").unwrap().name, "mp4");
        assert_eq!(Format::by_demuxer("hls"), None);
    }
}
