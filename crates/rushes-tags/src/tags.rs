use std::collections::BTreeMap;

use rushes_media::{Camera, Color, Created, Gps, Limits, Probe, StreamKind};

/// What the embedded metadata of one file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    /// When it was made. Where only a date, a month or a year is known, `at`
    /// is that much of RFC 3339 (`2024-06-01`, `2024-06`, `2024`).
    pub created: Option<Created>,
    /// Where it was made.
    pub gps: Option<Gps>,
    /// What it was made with.
    pub camera: Camera,
    /// Title.
    pub title: Option<String>,
    /// Description or caption.
    pub description: Option<String>,
    /// Keywords in the file's order, without repeats.
    pub keywords: Vec<String>,
    /// Rating, 0 to 5, or -1 for rejected.
    pub rating: Option<i8>,
    /// Apple's content identifier, the same in both halves of a Live Photo.
    pub content_identifier: Option<String>,
    /// Clockwise turn that sets the picture upright: 0, 90, 180 or 270.
    pub rotation_degrees: Option<u16>,
    /// Whether it is to be mirrored left to right after that turn.
    pub mirrored: bool,
    /// Name of the embedded ICC profile.
    pub icc_profile: Option<String>,
    /// The other tags by name, as text.
    pub all: BTreeMap<String, String>,
    /// What was wrong with the metadata, in words a person can act on.
    pub problems: Vec<String>,
}

impl Tags {
    /// Fills the probe with these tags. What is there already stays, but for
    /// a moment of creation that is less trustworthy than this one, and for a
    /// still's rotation, which the tags rule. In HEIF and JPEG XL the
    /// container's own transforms rule instead, and rotation is left alone.
    pub fn merge_into(self, probe: &mut Probe) {
        if let Some(created) = self.created
            && probe.created.as_ref().is_none_or(|known| known.confidence < created.confidence)
        {
            probe.created = Some(created);
        }
        fill(&mut probe.gps, self.gps);
        fill(&mut probe.camera.make, self.camera.make);
        fill(&mut probe.camera.model, self.camera.model);
        fill(&mut probe.camera.lens, self.camera.lens);
        fill(&mut probe.camera.software, self.camera.software);
        fill(&mut probe.title, self.title);
        fill(&mut probe.description, self.description);
        fill(&mut probe.rating, self.rating);
        fill(&mut probe.content_identifier, self.content_identifier);
        for keyword in self.keywords {
            if !probe.keywords.contains(&keyword) {
                probe.keywords.push(keyword);
            }
        }
        for problem in self.problems {
            probe.agreement.differ(problem);
        }
        let transforms_rule =
            matches!(probe.container.format.as_str(), "heic" | "heif" | "avif" | "jxl");
        let pictures = [StreamKind::Still, StreamKind::Video]
            .map(|kind| probe.streams.iter().position(|s| s.kind == kind && !s.attached_picture));
        let picture = pictures.into_iter().flatten().next();
        if let Some(stream) = picture.and_then(|index| probe.streams.get_mut(index)) {
            let may_turn = stream.kind == StreamKind::Still || stream.rotation_degrees.is_none();
            if let Some(rotation) = self.rotation_degrees
                && may_turn
                && !transforms_rule
            {
                stream.rotation_degrees = Some(rotation);
                stream.mirrored = self.mirrored;
            }
            if let Some(profile) = self.icc_profile {
                let color = stream.color.get_or_insert_with(Color::default);
                fill(&mut color.icc_profile, Some(profile));
            }
        }
        let mut left_bytes = Limits::default().text_bytes as usize;
        for (name, text) in &probe.tags {
            left_bytes = left_bytes.saturating_sub(name.len() + text.len());
        }
        for (name, text) in self.all {
            if probe.tags.contains_key(&name) {
                continue;
            }
            let Some(left) = left_bytes.checked_sub(name.len() + text.len()) else { continue };
            left_bytes = left;
            probe.tags.insert(name, text);
        }
    }

    /// Adds a keyword unless it is there, blank or one too many.
    pub(crate) fn add_keyword(&mut self, keyword: &str) {
        const MOST: usize = 1_000;
        let Some(keyword) = crate::text::clean(keyword) else { return };
        if self.keywords.len() < MOST && !self.keywords.contains(&keyword) {
            self.keywords.push(keyword);
        }
    }
}

/// Puts the value there when there is none.
pub(crate) fn fill<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_media::{Confidence, Container, MediaKind, Stream};

    fn probe(format: &str) -> Probe {
        let container = Container { format: format.to_owned(), ..Container::default() };
        Probe {
            streams: vec![Stream::new(0, StreamKind::Still, "jpeg")],
            ..Probe::of_kind(MediaKind::Still, container)
        }
    }

    fn created(at: &str, confidence: Confidence) -> Option<Created> {
        Some(Created { at: at.to_owned(), source: "x".to_owned(), confidence })
    }

    #[test]
    fn the_more_trustworthy_moment_stays() {
        for (there, ours, left) in [
            (Confidence::Low, Confidence::Medium, "ours"),
            (Confidence::Medium, Confidence::Medium, "there"),
            (Confidence::High, Confidence::Medium, "there"),
        ] {
            let mut probe = probe("jpeg");
            probe.created = created("there", there);
            Tags { created: created("ours", ours), ..Tags::default() }.merge_into(&mut probe);
            assert_eq!(probe.created.unwrap().at, left);
        }
    }

    #[test]
    fn rotation_goes_to_the_picture_but_not_in_heif() {
        let tags = Tags { rotation_degrees: Some(90), mirrored: true, ..Tags::default() };
        let (mut jpeg, mut heic) = (probe("jpeg"), probe("heic"));
        tags.clone().merge_into(&mut jpeg);
        tags.merge_into(&mut heic);
        assert_eq!(jpeg.streams[0].rotation_degrees, Some(90));
        assert!(jpeg.streams[0].mirrored);
        assert_eq!(heic.streams[0].rotation_degrees, None);
        assert!(!heic.streams[0].mirrored);
    }

    #[test]
    fn what_is_there_stays_and_problems_are_told() {
        let mut probe = probe("jpeg");
        probe.title = Some("there".to_owned());
        probe.tags.insert("a".to_owned(), "there".to_owned());
        let tags = Tags {
            title: Some("ours".to_owned()),
            description: Some("ours".to_owned()),
            icc_profile: Some("sRGB".to_owned()),
            all: [("a", "ours"), ("b", "ours")].map(|(k, v)| (k.into(), v.into())).into(),
            problems: vec!["broken".to_owned()],
            ..Tags::default()
        };
        tags.merge_into(&mut probe);
        assert_eq!(probe.title.as_deref(), Some("there"));
        assert_eq!(probe.description.as_deref(), Some("ours"));
        assert_eq!((&*probe.tags["a"], &*probe.tags["b"]), ("there", "ours"));
        assert_eq!(probe.agreement.differences, ["broken"]);
        assert!(!probe.agreement.agrees);
        let color = probe.streams[0].color.as_ref().unwrap();
        assert_eq!(color.icc_profile.as_deref(), Some("sRGB"));
    }

    #[test]
    fn the_text_of_all_tags_is_bounded() {
        let mut probe = probe("jpeg");
        let all = (0..100).map(|n| (n.to_string(), "x".repeat(64 << 10))).collect();
        Tags { all, ..Tags::default() }.merge_into(&mut probe);
        let bytes: usize = probe.tags.iter().map(|(name, text)| name.len() + text.len()).sum();
        assert!(bytes <= 2 << 20 && bytes > 1 << 20, "{bytes}");
    }
}
