//! What the environment gives: a secret itself, or the file that it is in.
use std::fs::File;
use std::io::{self, Read};

use super::environment::{self, Variable};
use super::fault::{Fault, Faults};

/// A secret is short; what is longer is another file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The value of a variable, and where it is from.
pub(super) struct Given {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) origin: String,
}

/// All variables; `NAME_FILE` is read and is `NAME` from then on, if that is a secret.
pub(super) fn all(
    variables: impl Iterator<Item = (String, String)>,
    known: &[Variable],
    faults: &mut Faults,
) -> Vec<Given> {
    let variables: Vec<(String, String)> = variables.collect();
    let is_set = |name: &str| variables.iter().any(|(set, text)| set == name && !text.is_empty());
    let mut all = Vec::new();
    for (name, text) in &variables {
        let Some(secret) = environment::secret_in_file(name, known) else {
            let (name, value) = (name.clone(), text.clone());
            all.push(Given { origin: name.clone(), name, value });
            continue;
        };
        let path = text.trim();
        if path.is_empty() {
            continue;
        }
        if is_set(secret) {
            faults.push(Fault::of_origin(name, format!("nothing, because {secret} is set")));
            continue;
        }
        match read(path) {
            Ok(value) => {
                let (name, origin) = (secret.to_owned(), name.clone());
                all.push(Given { name, value, origin });
            }
            Err(error) => {
                faults.push(Fault::of_origin(name, error.to_string()).value(path));
            }
        }
    }
    all
}

fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(io::Error::other(format!("a file of {SECRET_BYTES_MAX} bytes at most")));
    }
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    fn load(given: &[(&str, &str)]) -> Result<Config, Faults> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(&Overrides::default(), given, |_| Ok(())).map(|(config, _)| config)
    }

    fn file(text: &str) -> String {
        let path = std::env::temp_dir().join(format!("busbar-secret-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[test]
    fn a_secret_may_be_in_a_file_and_is_never_shown() {
        let path = file("a word that opens\n");
        let config = load(&[("BUSBAR_ADMIN_PASSWORD_FILE", &path)]).unwrap();
        assert_eq!(config.users.admin_password.unwrap().expose(), "a word that opens");
        let table = config.settings.to_string();
        assert!(table.contains("***") && table.contains("BUSBAR_ADMIN_PASSWORD_FILE"), "{table}");
        assert!(!table.contains("opens"), "{table}");

        std::fs::write(&path, "postgres://u:p@host/payments\n").unwrap();
        let config = load(&[
            ("BUSBAR_SERVICES", "payments"),
            ("DATABASE_URL_FILE", &path),
            ("BUSBAR_SMTP_PASSWORD_FILE", ""),
        ]);
        let config = config.unwrap();
        let payments = config.services.get(crate::types::ServiceName::Payments);
        assert_eq!(
            payments.database_url.as_ref().unwrap().expose(),
            "postgres://u:p@host/payments"
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_taken_is_a_fault_by_its_variable() {
        let (here, long) = (file("here"), file(&"x".repeat(65 * 1024)));
        for (given, told) in [
            (vec![("BUSBAR_SMTP_PASSWORD_FILE", "/no/such/file")], "No such file"),
            (vec![("BUSBAR_SMTP_PASSWORD_FILE", long.as_str())], "65536 bytes at most"),
            (
                vec![("BUSBAR_SMTP_PASSWORD_FILE", here.as_str()), ("BUSBAR_SMTP_PASSWORD", "x")],
                "nothing, because BUSBAR_SMTP_PASSWORD is set",
            ),
        ] {
            let faults = load(&given).unwrap_err();
            let told_of: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert_eq!(told_of.len(), 1, "{told_of:?}");
            assert!(told_of[0].starts_with("BUSBAR_SMTP_PASSWORD_FILE"), "{told_of:?}");
            assert!(told_of[0].contains(told), "{told_of:?}");
        }
        [here, long].into_iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }
}
