/// What was wrong with a file's metadata, in words; bounded, without repeats.
#[derive(Default)]
pub(crate) struct Problems(Vec<String>);

/// A broken file can be wrong in thousands of places; the first ones tell.
const MOST: usize = 32;

impl Problems {
    pub(crate) fn note(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if self.0.len() < MOST && !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0
    }
}
