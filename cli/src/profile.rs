//! Where to call and with what: flags over environment over profile file.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    args::Global,
    failure::{Failure, Result},
};

/// The profile after all three sources were read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Profile {
    pub(crate) server: Option<String>,
    pub(crate) api_key_file: Option<PathBuf>,
    pub(crate) trusted_root: Option<PathBuf>,
    pub(crate) agent: Option<PathBuf>,
}

/// `config.toml`, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: Option<String>,
    api_key_file: Option<PathBuf>,
    trusted_root: Option<PathBuf>,
}

impl Profile {
    /// # Errors
    /// A file that was named and cannot be read, or any that is wrong.
    pub(crate) fn resolve(global: &Global) -> Result<Self> {
        let (path, named) = match &global.profile {
            Some(path) => (Some(path.clone()), true),
            None => (default_path(), false),
        };
        let file = match path {
            Some(path) => read(&path, named)?,
            None => File::default(),
        };
        Ok(Self {
            server: global.server.clone().or(file.server),
            api_key_file: global.api_key_file.clone().or(file.api_key_file),
            trusted_root: global.trusted_root.clone().or(file.trusted_root),
            agent: global.agent.clone(),
        })
    }
}

fn read(path: &Path, named: bool) -> Result<File> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => {
            return Ok(File::default());
        }
        Err(source) => return Err(Failure::file(path)(source)),
    };
    let mut file: File = toml::from_str(&text).map_err(|error| {
        Failure::wrong(
            path.display().to_string(),
            error.message().to_owned(),
            "server, api_key_file, trusted_root, each a string",
        )
    })?;
    // A profile can be moved together with the files it names.
    let folder = path.parent().unwrap_or(Path::new(""));
    for named in [&mut file.api_key_file, &mut file.trusted_root]
        .into_iter()
        .flatten()
    {
        *named = folder.join(&named);
    }
    Ok(file)
}

fn default_path() -> Option<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let folder = if cfg!(windows) {
        set("APPDATA")
    } else {
        set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))
    };
    folder.map(|folder| folder.join("keysteward").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile_file(text: &str) -> (tempfile::TempDir, Global) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let global = Global {
            profile: Some(path),
            ..Global::default()
        };
        (folder, global)
    }

    #[test]
    fn a_flag_wins_over_the_file_and_relative_paths_start_at_the_file() {
        let (folder, mut global) =
            profile_file("server = 'https://a:1'\napi_key_file = 'admin.key'\n");
        global.server = Some("https://b:2".into());
        let profile = Profile::resolve(&global).unwrap();
        assert_eq!(profile.server.as_deref(), Some("https://b:2"));
        assert_eq!(profile.api_key_file, Some(folder.path().join("admin.key")));
    }

    #[test]
    fn an_unknown_key_is_named_with_what_is_allowed() {
        let (_folder, global) = profile_file("sever = 'https://a:1'\n");
        let refusal = Profile::resolve(&global).unwrap_err();
        let shown = refusal.report().render(crate::output::Format::Table, false);
        assert!(
            shown.contains("`sever`") && shown.contains("trusted_root"),
            "{shown}"
        );
    }

    #[test]
    fn a_profile_that_was_named_must_exist() {
        let global = Global {
            profile: Some("/nonexistent/config.toml".into()),
            ..Global::default()
        };
        assert!(matches!(
            Profile::resolve(&global),
            Err(Failure::File { .. })
        ));
    }
}
