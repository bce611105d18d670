use rushes_media::{Confidence, Created};

use crate::when::Moment;

/// Where a moment of creation was found, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The exposure, by the camera.
    Original,
    /// When it became digital: the same for a camera, later for a scan.
    Digitized,
    /// The last position fix, which may be older than the exposure.
    Position,
    /// XMP, by software.
    Xmp,
    /// IPTC, by software.
    Iptc,
    /// Text chunks of the container.
    Text,
    /// The last change, which is creation only if nothing was changed.
    Modified,
}

/// Every moment that a file states, to choose from.
#[derive(Default)]
pub(crate) struct Candidates(Vec<(Rank, Created)>);

impl Candidates {
    pub(crate) fn add(
        &mut self,
        rank: Rank,
        moment: Option<Moment>,
        source: &str,
        confidence: Confidence,
    ) {
        let Some(moment) = moment else { return };
        let source = source.to_owned();
        self.0.push((rank, Created { at: moment.rfc3339(), source, confidence }));
    }

    /// The first of the most telling rank.
    pub(crate) fn best(self) -> Option<Created> {
        self.0.into_iter().min_by_key(|(rank, _)| *rank).map(|(_, created)| created)
    }
}
