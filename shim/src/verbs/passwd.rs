//! A user's name from /etc/passwd, read as text: a static binary has no NSS, and must not want it.

/// `#uid` when nobody has that id, as runc prints it.
pub fn name_of(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    search(&passwd, uid).map_or_else(|| format!("#{uid}"), str::to_string)
}

fn search(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_id_among_broken_lines() {
        let passwd = "broken\n\nroot:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000::/:/bin/sh\n";
        assert_eq!(search(passwd, 1000), Some("agent"));
        assert_eq!(search(passwd, 7), None);
    }
}
