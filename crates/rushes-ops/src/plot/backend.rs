use std::convert::Infallible;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use rushes_media::Frame;
use zeno::{Command, Point};

use crate::ink::{Align, Mask, Window, box_path, filled, paint, shaped, stroked};

/// A frame that `plotters` draws into.
pub(super) struct Sheet<'a> {
    pub(super) frame: &'a mut Frame,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Sheet<'_> {
    fn window(&self) -> Window {
        let (width, height) = self.get_size();
        Window { left: 0, top: 0, width, height }
    }

    fn ink(&mut self, mask: Option<Mask>, color: BackendColor) {
        let (red, green, blue) = color.rgb;
        let [red, green, blue] = [red, green, blue].map(|number| f64::from(number) / 255.0);
        if let Some(mask) = mask {
            paint(self.frame, &mask, [red, green, blue, color.alpha]);
        }
    }

    fn segment(&mut self, from: BackendCoord, to: BackendCoord, width: u32, color: BackendColor) {
        let window = self.window();
        let centre = |(x, y): BackendCoord| (x as f32 + 0.5, y as f32 + 0.5);
        let ((x0, y0), (x1, y1)) = (centre(from), centre(to));
        let half = width as f32 / 2.0;
        let mask = if from.0 == to.0 || from.1 == to.1 {
            // Whole pixels, so that lines along the axes are sharp.
            let (left, right) = (x0.min(x1) - half, x0.max(x1) + half);
            filled(&box_path([left, y0.min(y1) - half, right, y0.max(y1) + half]), window)
        } else {
            let path = [Command::MoveTo(Point::new(x0, y0)), Command::LineTo(Point::new(x1, y1))];
            stroked(&path, window, width as f32)
        };
        self.ink(mask, color);
    }
}

impl DrawingBackend for Sheet<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.frame.width_px(), self.frame.height_px())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.segment(point, point, 1, color);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.segment(from, to, style.stroke_width(), style.color());
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let mut points = path.into_iter();
        let Some(mut from) = points.next() else { return Ok(()) };
        for to in points {
            self.segment(from, to, style.stroke_width(), style.color());
            from = to;
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let text = shaped(text, style.size() as f32, Align::Left);
        let anchor = style.anchor();
        let right = match anchor.h_pos {
            HPos::Left => 0.0,
            HPos::Center => text.width_px / 2.0,
            HPos::Right => text.width_px,
        };
        let down = match anchor.v_pos {
            VPos::Top => 0.0,
            VPos::Center => text.height_px / 2.0,
            VPos::Bottom => text.height_px,
        };
        let turn = style.transform();
        let path = text.mapped(|point| {
            let (across, along) = (point.x - right, point.y - down);
            let (across, along) = match turn {
                FontTransform::None => (across, along),
                FontTransform::Rotate90 => (-along, across),
                FontTransform::Rotate180 => (-across, -along),
                FontTransform::Rotate270 => (along, -across),
            };
            Point::new(x as f32 + across, y as f32 + along)
        });
        let mask = filled(&path, self.window());
        self.ink(mask, style.color());
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let text = shaped(text, style.size() as f32, Align::Left);
        Ok((text.width_px.ceil() as u32, text.height_px.ceil() as u32))
    }
}
