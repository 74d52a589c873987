//! The known word that a mistyped one most likely meant.

/// The candidate with the fewest edits from `word`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near_enough = (word.chars().count() / 3).max(2);
    let scored = candidates.into_iter().map(|candidate| (edits(word, candidate), candidate));
    let (distance, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= near_enough).then_some(candidate)
}

/// Insertions, deletions and substitutions between two words, a swap of neighbours counting as one.
fn edits(left: &str, right: &str) -> usize {
    let fold = |word: &str| word.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (left, right) = (fold(left), fold(right));
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (left, right, count) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("paymnets", "payments", 1),
            ("Same", "same", 0),
        ] {
            assert_eq!(edits(left, right), count, "{left} {right}");
        }
    }

    #[test]
    fn only_near_words_are_offered() {
        assert_eq!(nearest("cach_ttl_ms", ["cache_ttl_ms", "keep_alive_ms"]), Some("cache_ttl_ms"));
        assert_eq!(nearest("banana", ["cache_ttl_ms", "keep_alive_ms"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
