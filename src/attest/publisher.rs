//! Who published a file: the identity that a certificate was given to.

use std::collections::BTreeMap;
use std::fmt;

use sigstore_verify::SubjectAltName;
use sigstore_verify::crypto::CertificateInfo;

use super::fault::{Fault, FaultKind};

/// A Trusted Publisher, in the fields that the index uses for it (PEP 740, PEP 751 `attestation-identities`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Publisher {
    /// A GitHub Actions workflow.
    GitHub {
        /// `owner/name`.
        repository: String,
        /// The file name under `.github/workflows/`.
        workflow: String,
        /// The deployment environment, where the run had one.
        environment: Option<String>,
    },
    /// A GitLab CI/CD pipeline.
    GitLab {
        /// `group/…/name`.
        repository: String,
        /// The path of the pipeline's file in the repository.
        workflow_filepath: String,
        /// The environment, where the run had one.
        environment: Option<String>,
    },
    /// A Google Cloud service account.
    Google {
        /// Its address.
        email: String,
    },
    /// A CircleCI pipeline.
    CircleCi {
        /// The project's UUID.
        project_id: String,
        /// The pipeline definition's UUID.
        pipeline_definition_id: String,
        /// Where the source is, without its scheme.
        vcs_origin: Option<String>,
    },
}

impl Publisher {
    /// The publisher that a certificate was given to, by the extensions that Fulcio signed.
    ///
    /// # Errors
    /// [`FaultKind::Publisher`] where they name none of the four.
    pub(super) fn of(certificate: &CertificateInfo) -> Result<Self, Fault> {
        let issuer = certificate.issuer.as_deref().unwrap_or_default();
        let publisher = match issuer {
            "https://token.actions.githubusercontent.com" => github(certificate),
            "https://gitlab.com" => gitlab(certificate),
            "https://accounts.google.com" => google(certificate),
            "https://oidc.circleci.com" => circleci(certificate),
            _ => None,
        };
        publisher.ok_or_else(|| {
            let identity = certificate.identity.as_ref().map(SubjectAltName::as_str).unwrap_or_default();
            Fault::new(FaultKind::Publisher, format!("{identity}, vouched for by {issuer}"))
        })
    }

    /// The kind, as the index spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::GitHub { .. } => "GitHub",
            Self::GitLab { .. } => "GitLab",
            Self::Google { .. } => "Google",
            Self::CircleCi { .. } => "CircleCI",
        }
    }

    /// The fields beside the kind, as the index spells them.
    pub fn fields(&self) -> BTreeMap<&'static str, &str> {
        let all: Vec<(&'static str, Option<&str>)> = match self {
            Self::GitHub { repository, workflow, environment } => vec![
                ("repository", Some(repository)),
                ("workflow", Some(workflow)),
                ("environment", environment.as_deref()),
            ],
            Self::GitLab { repository, workflow_filepath, environment } => vec![
                ("repository", Some(repository)),
                ("workflow_filepath", Some(workflow_filepath)),
                ("environment", environment.as_deref()),
            ],
            Self::Google { email } => vec![("email", Some(email))],
            Self::CircleCi { project_id, pipeline_definition_id, vcs_origin } => vec![
                ("project_id", Some(project_id)),
                ("pipeline_definition_id", Some(pipeline_definition_id)),
                ("vcs_origin", vcs_origin.as_deref()),
            ],
        };
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// The publisher of a table with `kind` and fields; `None` for a kind or a form that is not known.
    pub fn from_fields(kind: &str, field: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        Some(match kind {
            "GitHub" => Self::GitHub {
                repository: field("repository")?,
                workflow: field("workflow")?,
                environment: field("environment"),
            },
            "GitLab" => Self::GitLab {
                repository: field("repository")?,
                workflow_filepath: field("workflow_filepath")?,
                environment: field("environment"),
            },
            "Google" => Self::Google { email: field("email")? },
            "CircleCI" => Self::CircleCi {
                project_id: field("project_id")?,
                pipeline_definition_id: field("pipeline_definition_id")?,
                vcs_origin: field("vcs_origin"),
            },
            _ => return None,
        })
    }

    /// Whether the same hands hold both: the same repository or account, whatever the workflow file is called.
    /// Repositories are compared without regard to case, as their hosts do.
    pub fn same_source(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::GitHub { repository: one, .. }, Self::GitHub { repository: two, .. })
            | (Self::GitLab { repository: one, .. }, Self::GitLab { repository: two, .. }) => {
                one.eq_ignore_ascii_case(two)
            }
            (Self::Google { email: one }, Self::Google { email: two }) => one.eq_ignore_ascii_case(two),
            (Self::CircleCi { project_id: one, .. }, Self::CircleCi { project_id: two, .. }) => {
                one.eq_ignore_ascii_case(two)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub { repository, workflow, .. } => write!(f, "GitHub {repository} ({workflow})"),
            Self::GitLab { repository, workflow_filepath, .. } => {
                write!(f, "GitLab {repository} ({workflow_filepath})")
            }
            Self::Google { email } => write!(f, "Google {email}"),
            Self::CircleCi { project_id, .. } => write!(f, "CircleCI project {project_id}"),
        }
    }
}

/// `https://github.com/OWNER/NAME/.github/workflows/FILE@REF` (Fulcio, "Build Config URI").
fn github(certificate: &CertificateInfo) -> Option<Publisher> {
    let claims = &certificate.ci_claims;
    let repository = claims.source_repository_uri.as_deref()?.strip_prefix("https://github.com/")?;
    let workflow = claims
        .build_config_uri
        .as_deref()?
        .strip_prefix("https://github.com/")?
        .strip_prefix(repository)?
        .strip_prefix("/.github/workflows/")?;
    let (workflow, _) = workflow.split_once('@')?;
    let two_parts = repository.split('/').filter(|part| !part.is_empty()).count() == 2;
    (two_parts && !workflow.is_empty() && !workflow.contains('/')).then(|| Publisher::GitHub {
        repository: repository.to_owned(),
        workflow: workflow.to_owned(),
        environment: claims.deployment_environment.clone(),
    })
}

/// `https://gitlab.com/GROUP/NAME//PATH@REF`.
fn gitlab(certificate: &CertificateInfo) -> Option<Publisher> {
    let claims = &certificate.ci_claims;
    let repository = claims.source_repository_uri.as_deref()?.strip_prefix("https://gitlab.com/")?;
    let path = claims
        .build_config_uri
        .as_deref()?
        .strip_prefix("https://gitlab.com/")?
        .strip_prefix(repository)?
        .strip_prefix("//")?;
    let ends = [&claims.source_repository_ref, &claims.source_repository_digest];
    let path =
        ends.into_iter().flatten().find_map(|end| path.strip_suffix(end.as_str())?.strip_suffix('@'))?;
    (repository.contains('/') && !path.is_empty()).then(|| Publisher::GitLab {
        repository: repository.to_owned(),
        workflow_filepath: path.to_owned(),
        environment: claims.deployment_environment.clone(),
    })
}

fn google(certificate: &CertificateInfo) -> Option<Publisher> {
    match certificate.identity.as_ref()? {
        SubjectAltName::Email(email) => Some(Publisher::Google { email: email.clone() }),
        _ => None,
    }
}

/// `https://circleci.com/api/v2/projects/PROJECT/pipeline-definitions/DEFINITION` (Fulcio, "Build Signer URI").
fn circleci(certificate: &CertificateInfo) -> Option<Publisher> {
    let claims = &certificate.ci_claims;
    let (project_id, pipeline_definition_id) = claims
        .build_signer_uri
        .as_deref()?
        .strip_prefix("https://circleci.com/api/v2/projects/")?
        .split_once("/pipeline-definitions/")?;
    let plain = |id: &str| !id.is_empty() && !id.contains('/');
    (plain(project_id) && plain(pipeline_definition_id)).then(|| Publisher::CircleCi {
        project_id: project_id.to_owned(),
        pipeline_definition_id: pipeline_definition_id.to_owned(),
        vcs_origin: claims.source_repository_uri.clone(),
    })
}
