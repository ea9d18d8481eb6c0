//! What the arrows say about the whole.

use std::collections::BTreeSet;

use super::{Arrow, House};

impl House {
    /// Each set of files that import from one another in a circle, the largest first.
    #[must_use]
    pub fn circles(&self) -> Vec<Vec<usize>> {
        self.circles_of(|_| true)
    }

    /// The circles of the files that belong to one module under the root, arrows to others left aside.
    #[must_use]
    pub fn circles_within(&self, top: &str) -> Vec<Vec<usize>> {
        self.circles_of(|file| self.files[file].top == top)
    }

    fn circles_of(&self, counts: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let mut next = vec![Vec::new(); self.files.len()];
        for arrow in self
            .arrows
            .iter()
            .filter(|it| counts(it.from) && counts(it.to))
        {
            next[arrow.from].push(arrow.to);
        }
        let reached: Vec<_> = (0..next.len())
            .map(|file| reached_from(file, &next))
            .collect();
        let mut circles: BTreeSet<Vec<usize>> = BTreeSet::new();
        for (file, others) in reached.iter().enumerate() {
            let circle: Vec<_> = others
                .iter()
                .copied()
                .filter(|other| reached[*other].contains(&file))
                .collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        let mut circles: Vec<_> = circles.into_iter().collect();
        circles.sort_by_key(|circle| usize::MAX - circle.len());
        circles
    }

    /// The modules under the root that the files of a circle belong to, as `access + paths`.
    #[must_use]
    pub fn tops(&self, circle: &[usize]) -> String {
        let tops: BTreeSet<_> = circle
            .iter()
            .map(|file| self.files[*file].top.as_str())
            .collect();
        tops.into_iter().collect::<Vec<_>>().join(" + ")
    }

    /// Every arrow that does not point to the same module under the root or to a lower floor. The lowest floor comes
    /// first.
    pub fn arrows_up<'a>(&'a self, floors: &'a [&[&str]]) -> impl Iterator<Item = &'a Arrow> {
        let floor = move |file: usize| {
            floors
                .iter()
                .position(|floor| floor.contains(&self.files[file].top.as_str()))
        };
        self.arrows.iter().filter(move |arrow| {
            self.files[arrow.from].top != self.files[arrow.to].top
                && floor(arrow.to) >= floor(arrow.from)
        })
    }

    /// `service/post.rs → session/id.rs (crate::session::SessionId, line 12)`
    #[must_use]
    pub fn describe(&self, arrow: &Arrow) -> String {
        let (from, to) = (&self.files[arrow.from].path, &self.files[arrow.to].path);
        format!("{from} → {to} ({}, line {})", arrow.name, arrow.line)
    }
}

fn reached_from(file: usize, next: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        open.extend(next[file].iter().copied().filter(|to| reached.insert(*to)));
    }
    reached
}
