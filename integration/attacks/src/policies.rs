//! The policies under which the attacks are tried, as a policy's file has them.

/// Lengths at which matchers that cut names short go wrong.
pub const LENGTHS: [usize; 4] = [63, 64, 65, 255];

/// One program is denied, and what the container wrote itself.
pub const EXEC: &str = r#"
version = 1
[exec]
default = "allow"
writable = "deny"
jit = { default = "deny" }
rules = [ { path = "/usr/bin/denied", action = "deny" } ]
[file]
default = "allow"
rules = [ { path = "/protected/**", access = "rwc", action = "deny" } ]
[net]
default = "deny"
"#;

/// Only what is named.
pub const EXEC_LIST: &str = r#"
version = 1
[exec]
default = "deny"
writable = "deny"
rules = [
  { path = "/usr/bin/attack", action = "allow" },
  { path = "/usr/bin/allowed", action = "allow" },
  { path = "/usr/lib/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", action = "allow" },
  { path = "/usr/lib/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", action = "allow" },
  { path = "/usr/lib/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", action = "allow" },
  { path = "/usr/lib/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", action = "allow" },
]
[file]
default = "allow"
"#;

/// Words of a command line.
pub const EXEC_WORDS: &str = r#"
version = 1
[exec]
default = "allow"
writable = "deny"
rules = [ { path = "/usr/bin/allowed", argv = ["run", "said", "forbidden"], action = "deny" } ]
[file]
default = "allow"
"#;

pub const FILE: &str = r#"
version = 1
[exec]
default = "allow"
writable = "deny"
[file]
default = "allow"
rules = [
  { path = "/protected/**", access = "rwc", action = "deny", unless = ["/protected/public/**"] },
  { path = "/readable/**", access = "wc", action = "deny" },
  { path = "/desk/.git/hooks/**", access = "wc", action = "deny" },
  { name = "tasks.json", access = "wc", action = "deny" },
]
[net]
default = "deny"
unix = "any"
"#;

/// Two networks and loopback ports are open; all else is not.
pub const NET: &str = r#"
version = 1
[exec]
default = "allow"
[file]
default = "allow"
[net]
default = "deny"
listen = "loopback"
unix = "container"
rules = [
  { cidr = "198.51.100.7/32", port = 443, action = "allow" },
  { cidr = "2001:db8::1/128", port = 443, action = "allow" },
  { cidr = "127.0.0.1/32", port = 7001, action = "allow" },
  { cidr = "::1/128", port = 7001, action = "allow" },
]
"#;

/// One IPv4 network is closed, whatever way it is written; all else is open.
pub const NET_EXCEPT: &str = r#"
version = 1
[exec]
default = "allow"
[file]
default = "allow"
[net]
default = "allow"
listen = "loopback"
rules = [ { cidr = "192.0.2.0/24", action = "deny" } ]
"#;

/// An empty list allows nothing.
pub const NET_EMPTY: &str = r#"
version = 1
[exec]
default = "allow"
[file]
default = "allow"
[net]
default = "deny"
rules = []
"#;

/// All that a policy can open: what is refused under it, the floor refuses.
pub const FLOOR: &str = r#"
version = 1
[exec]
default = "allow"
writable = "allow"
jit = { default = "allow" }
[file]
default = "allow"
rules = [ { path = "/protected/**", access = "rwc", action = "deny" } ]
[net]
default = "allow"
listen = "any"
unix = "any"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_programs_has_names_of_the_lengths_that_are_tried() {
        for length in LENGTHS {
            let [allowed, _] = crate::ground::long_names(length);
            assert!(EXEC_LIST.contains(&format!("\"{allowed}\"")), "{length}");
        }
    }
}
