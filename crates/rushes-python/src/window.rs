//! A window that shows pixels, and tells of keys and the mouse.
//!
//! It never waits: who has it asks for events many times a second, and lets the
//! interpreter go between.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use rushes_media::{Error, ErrorKind, Result};
use softbuffer::{Context, Surface};
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{ElementState, KeyEvent, MouseButton, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::keyboard::{Key, KeyLocation};
use winit::platform::pump_events::EventLoopExtPumpEvents as _;
use winit::window::{Window as Shown, WindowId};

use crate::watch::exception;

const WHAT: &str = "opening a window";
const SHOWING: &str = "showing a frame";

/// Turns in which the system answers that a window is there.
const MOST_TURNS: u32 = 200;
const TURN: Duration = Duration::from_millis(10);

thread_local! {
    /// A process may have one connection to the display: every window uses it,
    /// one after the other. What failed once fails ever after.
    static DISPLAY: RefCell<Option<Result<EventLoop<()>>>> = const { RefCell::new(None) };
}

/// What happened: its kind, the place from 0 to 1, the button, the key.
type Told = (&'static str, f64, f64, u16, String);

/// A window of the thread that opened it.
#[pyclass(unsendable, module = "rushes._rushes")]
pub(crate) struct Window(State);

struct State {
    title: String,
    size_px: (u32, u32),
    /// Set when the system was asked for it.
    made: Option<Result<Surface<Rc<Shown>, Rc<Shown>>>>,
    told: Vec<Told>,
    /// Where the picture lies in it: left, top, width and height in pixels.
    picture: (f64, f64, f64, f64),
    /// Where the mouse is, in pixels.
    mouse: (f64, f64),
}

#[pymethods]
impl Window {
    /// Opened, with room for so many pixels.
    #[new]
    fn new(py: Python<'_>, title: String, width_px: u32, height_px: u32) -> PyResult<Window> {
        let mut state = State {
            title,
            size_px: (width_px, height_px),
            made: None,
            told: Vec::new(),
            picture: (0.0, 0.0, f64::from(width_px), f64::from(height_px)),
            mouse: (0.0, 0.0),
        };
        // To be asked before the display is, which may be asked once.
        if cfg!(not(target_os = "macos"))
            && std::env::var_os("DISPLAY").is_none_or(|it| it.is_empty())
        {
            return Err(exception(py, &unavailable("there is no display")));
        }
        for _ in 0..MOST_TURNS {
            state.pump(TURN).map_err(|error| exception(py, &error))?;
            if state.made.is_some() {
                break;
            }
        }
        state.surface().map_err(|error| exception(py, &error))?;
        Ok(Window(state))
    }

    /// Shows rows of RGB, scaled to what room there is.
    fn show(&mut self, py: Python<'_>, frame: PyBuffer<u8>) -> PyResult<()> {
        let &[height, width, 3] = frame.shape() else {
            return Err(exception(py, &Error::bug(SHOWING, "it is no picture of RGB")));
        };
        let pixels = frame.to_vec(py)?;
        self.0.show(py, &pixels, width, height).map_err(|error| exception(py, &error))
    }

    /// What happened since this was last called: "mouse-move",
    /// "mouse-button-press", "mouse-button-release", "key-press", "key-release"
    /// and "close".
    fn events(&mut self, py: Python<'_>) -> PyResult<Vec<Told>> {
        self.0.pump(Duration::ZERO).map_err(|error| exception(py, &error))?;
        Ok(std::mem::take(&mut self.0.told))
    }

    /// Closes it.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        self.0.made = Some(Err(Error::new(ErrorKind::Invalid, SHOWING, "the window is closed")));
        self.0.pump(Duration::ZERO).map_err(|error| exception(py, &error))
    }
}

impl State {
    fn surface(&mut self) -> Result<&mut Surface<Rc<Shown>, Rc<Shown>>> {
        match &mut self.made {
            Some(Ok(surface)) => Ok(surface),
            Some(Err(error)) => Err(error.clone()),
            None => Err(unavailable("the display does not answer")),
        }
    }

    /// Hears what the display has to say.
    fn pump(&mut self, wait: Duration) -> Result<()> {
        DISPLAY.with_borrow_mut(|display| match display.get_or_insert_with(connect) {
            Ok(display) => {
                display.pump_app_events(Some(wait), self);
                Ok(())
            }
            Err(error) => Err(error.clone()),
        })
    }

    fn show(&mut self, py: Python<'_>, pixels: &[u8], width: usize, height: usize) -> Result<()> {
        let failed = |error| Error::new(ErrorKind::Unavailable, SHOWING, format!("{error}"));
        let surface = self.surface()?;
        let room = surface.window().inner_size();
        let (Some(room_width), Some(room_height)) =
            (NonZeroU32::new(room.width), NonZeroU32::new(room.height))
        else {
            return Ok(());
        };
        if width == 0 || height == 0 {
            return Ok(());
        }
        surface.resize(room_width, room_height).map_err(failed)?;
        let room = (room.width as usize, room.height as usize);
        let (scaled, place) = py.detach(|| fitted(pixels, (width, height), room));
        let mut shown = surface.buffer_mut().map_err(failed)?;
        for (to, from) in shown.iter_mut().zip(&scaled) {
            *to = *from;
        }
        shown.present().map_err(failed)?;
        self.picture = place;
        Ok(())
    }

    /// Something about the mouse, and where it is.
    fn tell(&mut self, kind: &'static str, button: u16) {
        let (left, top, width, height) = self.picture;
        let within = |at: f64, start: f64, length: f64| {
            if length > 0.0 { ((at - start) / length).clamp(0.0, 1.0) } else { 0.0 }
        };
        let (x, y) = (within(self.mouse.0, left, width), within(self.mouse.1, top, height));
        self.told.push((kind, x, y, button, String::new()));
    }

    fn tell_key(&mut self, event: &KeyEvent) {
        let kind = match event.state {
            ElementState::Pressed => "key-press",
            ElementState::Released => "key-release",
        };
        let name = match &event.logical_key {
            Key::Character(text) => text.to_string(),
            Key::Named(key) if event.location == KeyLocation::Right => format!("{key:?}Right"),
            Key::Named(key) => format!("{key:?}"),
            Key::Dead(Some(mark)) => mark.to_string(),
            Key::Dead(None) | Key::Unidentified(_) => return,
        };
        self.told.push((kind, 0.0, 0.0, 0, name));
    }
}

impl ApplicationHandler for State {
    fn resumed(&mut self, _: &ActiveEventLoop) {}

    fn about_to_wait(&mut self, display: &ActiveEventLoop) {
        if self.made.is_none() {
            self.made = Some(open(display, &self.title, self.size_px));
        }
    }

    fn window_event(&mut self, _: &ActiveEventLoop, window: WindowId, event: WindowEvent) {
        // Another one, closed just now.
        if !matches!(&self.made, Some(Ok(surface)) if surface.window().id() == window) {
            return;
        }
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => {
                self.told.push(("close", 0.0, 0.0, 0, String::new()));
            }
            WindowEvent::CursorMoved { position, .. } => {
                self.mouse = (position.x, position.y);
                self.tell("mouse-move", 0);
            }
            WindowEvent::MouseInput { state, button, .. } => {
                let kind = match state {
                    ElementState::Pressed => "mouse-button-press",
                    ElementState::Released => "mouse-button-release",
                };
                self.tell(kind, number_of(button));
            }
            // A key that was held before the window had the focus was not pressed in it.
            WindowEvent::KeyboardInput { event, is_synthetic, .. }
                if !(is_synthetic && event.state == ElementState::Pressed) =>
            {
                self.tell_key(&event);
            }
            _ => {}
        }
    }
}

/// The display that the environment names.
fn connect() -> Result<EventLoop<()>> {
    // A library that is missing is a panic there.
    match catch_unwind(AssertUnwindSafe(|| EventLoop::builder().build())) {
        Ok(Ok(display)) => Ok(display),
        Ok(Err(error)) => Err(unavailable(&error.to_string())),
        Err(_) => Err(unavailable("a library of the display is missing")),
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, WHAT, why.trim_end_matches('.'))
        .remedy("set DISPLAY, and see that libxkbcommon-x11, libXcursor and libXi are there")
}

fn open(
    display: &ActiveEventLoop,
    title: &str,
    (width_px, height_px): (u32, u32),
) -> Result<Surface<Rc<Shown>, Rc<Shown>>> {
    let failed = |error: &dyn std::fmt::Display| unavailable(&error.to_string());
    let wanted = Shown::default_attributes()
        .with_title(title)
        .with_inner_size(LogicalSize::new(width_px, height_px));
    let window = Rc::new(display.create_window(wanted).map_err(|error| failed(&error))?);
    let context = Context::new(Rc::clone(&window)).map_err(|error| failed(&error))?;
    Surface::new(&context, window).map_err(|error| failed(&error))
}

/// Buttons as X11 counts them.
fn number_of(button: MouseButton) -> u16 {
    match button {
        MouseButton::Left => 1,
        MouseButton::Middle => 2,
        MouseButton::Right => 3,
        MouseButton::Back => 8,
        MouseButton::Forward => 9,
        MouseButton::Other(number) => number,
    }
}

/// RGB as large as fits into the room, black around it, and where it lies.
fn fitted(
    pixels: &[u8],
    (width, height): (usize, usize),
    room: (usize, usize),
) -> (Vec<u32>, (f64, f64, f64, f64)) {
    // Wider than the room, or higher.
    let (shown_width, shown_height) = if width * room.1 >= height * room.0 {
        (room.0, (height * room.0 / width).max(1))
    } else {
        ((width * room.1 / height).max(1), room.1)
    };
    let (left, top) = ((room.0 - shown_width) / 2, (room.1 - shown_height) / 2);
    let mut scaled = vec![0; room.0 * room.1];
    let rows = scaled.chunks_exact_mut(room.0).skip(top).take(shown_height);
    for (y, row) in rows.enumerate() {
        let from = pixels.chunks_exact(width * 3).nth(y * height / shown_height).unwrap_or(&[]);
        let (from, _) = from.as_chunks::<3>();
        for (x, to) in row.iter_mut().skip(left).take(shown_width).enumerate() {
            if let Some(&[red, green, blue]) = from.get(x * width / shown_width) {
                *to = u32::from_be_bytes([0, red, green, blue]);
            }
        }
    }
    (scaled, (left as f64, top as f64, shown_width as f64, shown_height as f64))
}
