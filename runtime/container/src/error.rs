//! The one error type of the crate. Texts that engines parse are runc's, word for word (integration tests hold them).

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("container does not exist")]
    NotFound { id: String },
}

impl Error {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        None
    }
}
