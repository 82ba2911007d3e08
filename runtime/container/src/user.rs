//! HOME from the container's own /etc/passwd, read as text.
//!
//! Never through NSS: that would load the image's libnss_*.so into a process of ours before any policy holds.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// A passwd file is the image author's: a line or a file without end must not hold us up.
const LONGEST_FILE: u64 = 4 << 20;

/// The home folder of `uid`; `/` when the image does not say, as runc has it.
pub fn home_of(uid: u32) -> String {
    File::open("/etc/passwd")
        .ok()
        .and_then(|file| search(BufReader::new(file.take(LONGEST_FILE)), uid))
        .unwrap_or("/".into())
}

fn search(passwd: impl BufRead, uid: u32) -> Option<String> {
    passwd.split(b'\n').map_while(Result::ok).find_map(|line| {
        let line = String::from_utf8(line).ok()?;
        let mut fields = line.split(':');
        let id = fields.nth(2)?.parse::<u32>().ok()?;
        let home = fields.nth(2)?;
        (id == uid && !home.is_empty()).then(|| home.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_of_a_uid_counts_and_broken_lines_do_not() {
        let passwd = "# comment\nbroken\nroot:x:0:0:root:/root:/bin/sh\nnohome:x:7:7:::\nagent:x:1000:1000::/home/agent:/bin/sh\nagain:x:1000:1000::/elsewhere:";
        assert_eq!(search(passwd.as_bytes(), 0).as_deref(), Some("/root"));
        assert_eq!(
            search(passwd.as_bytes(), 1000).as_deref(),
            Some("/home/agent")
        );
        assert_eq!(search(passwd.as_bytes(), 7), None);
        assert_eq!(search(passwd.as_bytes(), 4), None);
    }
}
