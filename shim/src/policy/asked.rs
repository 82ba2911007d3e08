//! Acts as people write them: `connect api.example.com:443`, `open /etc/shadow`, `exec /bin/nc`.

use sevorix_policy::{
    Act, Components, Destination, Local, NetEntry, NetTarget, Protocol, components,
};

use crate::error::{Error, Result};

/// What `help` says of the words.
pub const FORMS: &str = "connect|send HOST:PORT[/udp], open PATH [r|w|rw], exec PATH [ARGUMENT...], map_exec PATH, create|unlink|setattr PATH, \
    rename|link PATH PATH, bind|listen ADDRESS:PORT, unix PATH";

/// Reads an act; `written` says that the container wrote what it executes.
pub fn act(words: &[String], written: bool) -> Result<Act> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["connect", to] => destination(to).map(Act::Connect),
        ["send", to] => destination(to).map(Act::Send),
        ["open", path] => open(path, "r"),
        ["open", path, mode] => open(path, mode),
        ["exec", path, ref arguments @ ..] => Ok(Act::Exec {
            path: object(path)?,
            written,
            argv: [path]
                .iter()
                .chain(arguments)
                .map(|word| word.as_bytes().into())
                .collect(),
        }),
        ["map_exec", path] => Ok(Act::MapExec {
            path: object(path)?,
            written,
        }),
        ["create", path] => Ok(Act::Create {
            path: object(path)?,
        }),
        ["unlink", path] => Ok(Act::Unlink {
            path: object(path)?,
        }),
        ["setattr", path] => Ok(Act::SetAttr {
            path: object(path)?,
        }),
        ["rename", from, to] => Ok(Act::Rename {
            from: object(from)?,
            to: object(to)?,
            folder: true,
        }),
        ["link", from, to] => Ok(Act::Link {
            from: object(from)?,
            to: object(to)?,
        }),
        ["bind", at] => local(at).map(Act::Bind),
        ["listen", at] => local(at).map(Act::Listen),
        ["unix", path] => Ok(Act::Unix {
            path: Some(object(path)?),
            inside: true,
        }),
        _ => Err(Error::Usage(format!(
            "{:?} is no act: write {FORMS}",
            words.join(" ")
        ))),
    }
}

fn open(path: &str, mode: &str) -> Result<Act> {
    let (read, write) = match mode {
        "r" => (true, false),
        "w" => (false, true),
        "rw" => (true, true),
        _ => return Err(Error::Usage(format!("{mode:?} is not r, w or rw"))),
    };
    Ok(Act::Open {
        path: object(path)?,
        read,
        write,
    })
}

fn object(path: &str) -> Result<Components> {
    components(path)
        .map_err(|invalid| Error::Usage(format!("{path:?} {}: {}", invalid.text, invalid.hint)))
}

fn destination(text: &str) -> Result<Destination> {
    let usage = || {
        Error::Usage(format!(
            "{text:?} is no destination: write HOST:PORT, as in 192.0.2.1:443 or [2001:db8::1]:53/udp"
        ))
    };
    let entry: NetEntry = text.parse().map_err(|_| usage())?;
    let port = entry
        .ports
        .filter(|ports| ports.first() == ports.last())
        .ok_or_else(usage)?;
    let (address, host) = match entry.target {
        NetTarget::Host(host) => (None, Some(host)),
        NetTarget::Net(net) if net.prefix_len() == net.max_prefix_len() => (Some(net.addr()), None),
        NetTarget::Net(_) | NetTarget::Below(_) => return Err(usage()),
    };
    Ok(Destination {
        address,
        host,
        port: port.first(),
        protocol: entry.protocol.unwrap_or(Protocol::Tcp),
    })
}

fn local(text: &str) -> Result<Local> {
    let to = text.parse::<std::net::SocketAddr>();
    let to = to.map_err(|_| {
        Error::Usage(format!(
            "{text:?} is no address: write 127.0.0.1:8080 or [::1]:8080"
        ))
    })?;
    Ok(Local {
        address: to.ip(),
        port: to.port(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Act> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        act(&words, false)
    }

    #[test]
    fn acts_are_read() {
        for (text, op) in [
            ("connect api.example.com:443", "connect"),
            ("connect 192.0.2.1:53/udp", "connect"),
            ("send [2001:db8::1]:53/udp", "send"),
            ("open /etc/shadow", "open"),
            ("open / rw", "open"),
            ("exec /bin/nc", "exec"),
            ("rename /a /b", "rename"),
            ("listen [::]:80", "listen"),
            ("unix /run/x.sock", "unix"),
        ] {
            assert_eq!(read(text).expect(text).op(), op);
        }
    }

    #[test]
    fn what_is_no_act_is_refused() {
        for text in [
            "",
            "connect",
            "connect 10.0.0.0/8:443",
            "connect api.example.com",
            "connect a.b:1-2",
            "connect *.a.b:443",
            "open etc",
            "open /a/../b",
            "open /a x",
            "exec",
            "fork /bin/sh",
            "listen 80",
            "rename /a",
        ] {
            assert!(matches!(read(text), Err(Error::Usage(_))), "{text}");
        }
    }
}
