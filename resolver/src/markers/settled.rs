//! Which of the shapes of a marker is told.
//!
//! Owns the promise that what is read of a text is told by the same text. It never asks what a shape means.
//!
//! The shapes of a marker follow from its diagram. What is read of the shortest has a diagram of its own, from which others
//! may follow: the shortest of those may be another text for the same environments.

use std::rc::Rc;

use pep508_rs::MarkerTree;
use rustc_hash::FxHashMap;

use super::shape::Shape;
use super::words::cost;

/// The shapes of so many markers are looked for until one is told.
const MOST_LOOKS: usize = 16;

/// What a marker is told as.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) shape: Shape,
    /// The marker that is read of it, where it is told by the same shape; none where that took too long to find out.
    pub(super) read: Option<MarkerTree>,
}

/// The first of the shapes that leads to itself: it is the first again of what is read of it. `shapes` gives those of a
/// marker, the shortest first. None where there are none.
///
/// Where the first leads to a shorter one, the search goes on from that; where none leads to itself, from what is read of the
/// first; and where it goes round in a circle, the shortest of the circle is told. Each step follows from where it starts
/// alone, so that whoever starts with what is read of the answer arrives at the answer.
pub(super) fn settled(marker: &MarkerTree, shapes: impl FnMut(&MarkerTree) -> Vec<Shape>) -> Option<Settled> {
    let mut looks = Looks { shapes, known: FxHashMap::default() };
    let (mut at, mut passed) = (marker.clone(), Vec::<(MarkerTree, Settled)>::new());
    loop {
        let start = passed.iter().position(|(known, _)| *known == at).unwrap_or(passed.len());
        let circle = passed.drain(start..).map(|(_, settled)| settled);
        if let Some(shortest) = circle.min_by_key(|settled| cost(&settled.shape)) {
            return Some(shortest);
        }
        match looks.step(&at) {
            Some(Step::Told(settled)) => return Some(settled),
            Some(Step::On(shape, read)) => {
                passed.push((at, Settled { shape, read: Some(read.clone()) }));
                at = read;
            }
            None => return looks.first(marker).map(|shape| Settled { shape, read: None }),
        }
    }
}

enum Step {
    Told(Settled),
    /// From here to the first of the shapes, and what is read of it.
    On(Shape, MarkerTree),
}

struct Looks<S> {
    shapes: S,
    known: FxHashMap<MarkerTree, Rc<[Shape]>>,
}

impl<S: FnMut(&MarkerTree) -> Vec<Shape>> Looks<S> {
    /// None after too many looks.
    fn step(&mut self, marker: &MarkerTree) -> Option<Step> {
        let mut on = None;
        for shape in &*self.look(marker)? {
            let read = shape.tree();
            let again = self.first(&read)?;
            if again == *shape {
                return Some(Step::Told(Settled { shape: again, read: Some(read) }));
            }
            if on.is_none() {
                on = Some(Step::On(shape.clone(), read));
                if cost(&again) < cost(shape) {
                    break;
                }
            }
        }
        on
    }

    fn first(&mut self, marker: &MarkerTree) -> Option<Shape> {
        self.look(marker)?.first().cloned()
    }

    fn look(&mut self, marker: &MarkerTree) -> Option<Rc<[Shape]>> {
        if let Some(known) = self.known.get(marker) {
            return Some(known.clone());
        }
        if self.known.len() >= MOST_LOOKS {
            return None;
        }
        let found: Rc<[Shape]> = (self.shapes)(marker).into();
        self.known.insert(marker.clone(), found.clone());
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Shape {
        let tree: MarkerTree = text.parse().unwrap();
        let mut all = super::super::paths::alternatives(&tree);
        Shape::Term(all.pop().unwrap().pop().unwrap())
    }

    /// `a` to `aaaa`: the longer a name, the longer the shape. Each marker leads to the shapes that stand behind it.
    fn check(ways: &[(usize, &[usize])], from: usize, expected: usize) {
        let shape = |length: usize| term(&format!("sys_platform == '{}'", "a".repeat(length)));
        let mut looks = 0;
        let found = settled(&shape(from).tree(), |tree| {
            looks += 1;
            let way = ways.iter().find(|(at, _)| shape(*at).tree() == *tree);
            way.map_or_else(Vec::new, |(_, to)| to.iter().map(|length| shape(*length)).collect())
        });
        let found = found.unwrap();
        assert_eq!(found.shape, shape(expected), "from {from}");
        assert_eq!(found.read, Some(shape(expected).tree()), "from {from}");
        assert!(looks <= MOST_LOOKS);
    }

    #[test]
    fn the_first_that_leads_to_itself_is_told() {
        check(&[(1, &[1])], 1, 1);
        // On to shorter ones, whatever else there is.
        let shorter: &[(usize, &[usize])] = &[(9, &[5, 6]), (6, &[6]), (5, &[4, 6]), (4, &[4])];
        check(shorter, 9, 4);
        // 1 leads to a longer one: the next that leads to itself is told, though 3 comes first on the way from 1.
        let longer: &[(usize, &[usize])] = &[(9, &[1, 2, 4]), (1, &[3, 4]), (2, &[3]), (3, &[3]), (4, &[4])];
        check(longer, 9, 4);
        check(longer, 1, 3);
        // None of the first leads to itself.
        let none: &[(usize, &[usize])] = &[(9, &[1, 2]), (1, &[3]), (2, &[3]), (3, &[3])];
        check(none, 9, 3);
    }

    #[test]
    fn the_shortest_of_a_circle_is_told_wherever_it_is_entered() {
        let circle: &[(usize, &[usize])] = &[(9, &[8]), (8, &[5]), (5, &[6]), (6, &[7]), (7, &[5])];
        for from in 5..=9 {
            check(circle, from, 5);
        }
    }

    #[test]
    fn a_way_without_an_end_is_left_with_the_first_shape() {
        let shape = |length: usize| term(&format!("sys_platform == '{}'", "a".repeat(length)));
        let mut looks = 0;
        let found = settled(&shape(1).tree(), |_| {
            looks += 1;
            vec![shape(looks + 1)]
        });
        assert_eq!(found, Some(Settled { shape: shape(2), read: None }));
        assert_eq!(looks, MOST_LOOKS);
        assert_eq!(settled(&shape(1).tree(), |_| Vec::new()), None);
    }
}
