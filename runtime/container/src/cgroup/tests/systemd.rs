//! The systemd driver, where there is a systemd.
