//! Globs on the arguments of a command line: `*` is any bytes, `?` one byte, all else itself.

/// The longest command line that is judged, each word with the byte that ends it.
pub const LINE_MOST: usize = 4088;

/// As the last glob: whatever arguments are left.
pub(crate) const REST: &str = "**";

/// Whether the globs fit the arguments, one for one.
pub(crate) fn fit(globs: &[String], arguments: &[Box<[u8]>]) -> bool {
    match (globs, arguments) {
        ([rest], _) if rest == REST => true,
        ([], []) => true,
        ([glob, globs @ ..], [word, arguments @ ..]) => {
            fits(glob.as_bytes(), word) && fit(globs, arguments)
        }
        _ => false,
    }
}

/// Goes back to the last `*` only: an earlier one could win nothing that this one can't.
fn fits(glob: &[u8], word: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < word.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == word[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                None => return false,
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    at = back + 1;
                    seen = taken + 1;
                }
            },
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

/// How many bytes a command line takes.
pub(crate) fn length(argv: &[Box<[u8]>]) -> usize {
    argv.iter().map(|word| word.len() + 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_stands_for_one_argument() {
        let told = |globs: &str, line: &str| {
            let globs: Vec<String> = globs.split_whitespace().map(str::to_owned).collect();
            let words: Vec<Box<[u8]>> = line
                .split_whitespace()
                .map(|word| word.as_bytes().into())
                .collect();
            fit(&globs, &words)
        };
        for (globs, line) in [
            ("push", "push"),
            ("push **", "push"),
            ("push **", "push --force origin"),
            ("**", ""),
            ("--*=*", "--a=b"),
            ("a*b*c", "abbcbc"),
            ("?", "x"),
            ("* *", "a b"),
        ] {
            assert!(told(globs, line), "{globs} fits {line}");
        }
        for (globs, line) in [
            ("push", "push origin"),
            ("push", ""),
            ("push", "pushed"),
            ("push", "--force push"),
            ("push **", "pull"),
            ("*", "a b"),
            ("?", ""),
            ("??", "x"),
            ("a*b*c", "abcb"),
        ] {
            assert!(!told(globs, line), "{globs} does not fit {line}");
        }
    }
}
