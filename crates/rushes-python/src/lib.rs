//! The extension module `rushes._rushes`: the verbs, run on threads of their
//! own with the interpreter free; frames, stills and sound, read and written;
//! cameras and windows; and the entry of the worker processes. The package around it (python/rushes)
//! gives them names, signatures and classes.

mod camera;
mod forks;
mod frame_index;
mod library;
mod origin;
mod picture;
mod plot;
mod registry;
mod running;
mod sound;
mod still;
mod stream;
mod video;
mod watch;
mod window;
mod writer;

use std::ffi::OsString;

use pyo3::prelude::*;
use rushes_actions::tasks;

/// What is behind `import rushes`. Private: use the package.
#[pymodule]
mod _rushes {
    #[pymodule_export]
    use super::camera::{Camera, cameras};
    #[pymodule_export]
    use super::forks::{after_fork_in_child, after_fork_in_parent, before_fork};
    #[pymodule_export]
    use super::frame_index::Index;
    #[pymodule_export]
    use super::library::Door;
    #[pymodule_export]
    use super::origin::{Origin, read_text};
    #[pymodule_export]
    use super::picture::Picture;
    #[pymodule_export]
    use super::plot::{plot_histogram, plot_image, plot_lines, plot_spectrogram, stft};
    #[pymodule_export]
    use super::sound::{Sound, SoundWriter};
    #[pymodule_export]
    use super::still::{Still, encode_still, write_still};
    #[pymodule_export]
    use super::stream::{Frames, Operations, Pair, deinterlaced, mosaic, operations, sampled};
    #[pymodule_export]
    use super::video::Reader;
    #[pymodule_export]
    use super::window::Window;
    #[pymodule_export]
    use super::writer::FrameWriter;
    #[pymodule_export]
    use super::{describe, give_path, serve_worker};
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}

/// Every verb as JSON: names, parameters, what comes out.
#[pyfunction]
fn describe() -> String {
    registry::actions().to_string()
}

/// A path as a parameter: itself where it is UTF-8, else a `file:` URL.
#[pyfunction]
fn give_path(path: OsString) -> PyResult<String> {
    Ok(rushes_media::give_path(&path)?)
}

/// Is a worker process until the parent closes the socket that is its
/// standard input. Gives the exit code.
#[pyfunction]
fn serve_worker(py: Python<'_>) -> u8 {
    py.detach(|| rushes_sandbox::serve_inside(tasks::TASKS, tasks::warm))
}
