//! Option values with a form of their own.

use crate::messages::{Mount, MountPropagation, ProfileType, SecurityProfile};

#[derive(Debug, Clone, PartialEq)]
pub enum User {
    Id { user: i64, group: Option<i64> },
    Name(String),
}

pub fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it has no '=' behind a name".to_owned()),
    }
}

pub fn user(text: &str) -> Result<User, String> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return match text.split_once(':') {
            None if !text.is_empty() => Ok(User::Name(text.to_owned())),
            _ => {
                Err("a user's name stands alone: CRI takes a group only beside a number".to_owned())
            }
        };
    }
    let id = |digits: &str| {
        digits
            .parse::<u32>()
            .map(i64::from)
            .map_err(|error| format!("'{digits}': {error}"))
    };
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(id(group)?)),
        None => (text, None),
    };
    Ok(User::Id {
        user: id(user)?,
        group,
    })
}

pub fn seccomp_profile(text: &str) -> Result<SecurityProfile, String> {
    let (profile_type, localhost_ref) = match text {
        "runtime/default" => (ProfileType::RuntimeDefault, ""),
        "unconfined" => (ProfileType::Unconfined, ""),
        _ => match text.strip_prefix("localhost/") {
            Some(file) if !file.is_empty() => (ProfileType::Localhost, file),
            _ => return Err("it is none of runtime/default, unconfined, localhost/FILE".to_owned()),
        },
    };
    Ok(SecurityProfile {
        profile_type: profile_type.into(),
        localhost_ref: localhost_ref.to_owned(),
    })
}

pub fn mount(text: &str) -> Result<Mount, String> {
    let mut parts = text.split(':');
    let (Some(host), Some(container)) = (parts.next(), parts.next()) else {
        return Err("it is not HOST:CONTAINER".to_owned());
    };
    if !host.starts_with('/') || !container.starts_with('/') {
        return Err("both paths must be absolute".to_owned());
    }
    let mut mount = Mount {
        host_path: host.to_owned(),
        container_path: container.to_owned(),
        ..Mount::default()
    };
    for option in parts {
        match option {
            "ro" => mount.readonly = true,
            "rw" => mount.readonly = false,
            "private" => mount.set_propagation(MountPropagation::Private),
            "rslave" => mount.set_propagation(MountPropagation::HostToContainer),
            "rshared" => mount.set_propagation(MountPropagation::Bidirectional),
            _ => {
                return Err(format!(
                    "'{option}' is none of ro, rw, private, rslave, rshared"
                ));
            }
        }
    }
    Ok(mount)
}
