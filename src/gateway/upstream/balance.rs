//! Which instance of a service is asked: of two, the one with less to do. Pure.

/// The first of `count` instances to ask. `turn` is different for each request, so that all pairs
/// have their turn; `load` tells how many requests an instance has.
pub(super) fn first(turn: usize, count: usize, load: impl Fn(usize) -> usize) -> usize {
    if count < 2 {
        return 0;
    }
    let one = turn % count;
    let distance = 1 + (turn / count) % (count - 1);
    let other = (one + distance) % count;
    if load(other) < load(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_with_less_to_do_is_asked() {
        assert_eq!(first(7, 1, |_| 100), 0);
        for turn in 0..100 {
            assert_eq!(first(turn, 2, |instance| [5, 3][instance]), 1);
        }
        // The busiest of several never wins a comparison.
        assert!((0..100).all(|turn| first(turn, 4, |instance| [1, 2, 9, 3][instance]) != 2));
    }

    #[test]
    fn equals_take_turns() {
        let mut asked = [0; 3];
        (0..300).for_each(|turn| asked[first(turn, 3, |_| 0)] += 1);
        assert_eq!(asked, [100, 100, 100]);
    }
}
