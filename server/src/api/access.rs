//! Who may call what: one table. A method that is not in it is not served.

use crate::store::words;

words! {
    /// What an API key may do.
    Scope {
        /// See everything but secrets and the audit record.
        Read = "read",
        /// Let hosts in and shut them out.
        Hosts = "hosts",
        /// Import users; issue, suspend, resume, revoke, reset tokens.
        Issue = "issue",
        /// Set PINs, hand them over, see them.
        Pins = "pins",
        /// Read the audit record.
        Audit = "audit",
        /// API keys, connections, token types, templates, reconciliation.
        Admin = "admin",
    }
}

/// What a method asks of its caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Nothing: it says whether the server is up.
    Open,
    /// One of these scopes.
    OneOf(&'static [Scope]),
}

/// What `path` (`/package.Service/Method`) asks of its caller; none where there
/// is no such method.
#[must_use]
pub fn of(path: &str) -> Option<Access> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    TABLE
        .iter()
        .find(|(s, m, _)| *s == service && (*m == method || *m == ANY))
        .map(|(_, _, access)| *access)
}

const ANY: &str = "*";
const READ: Access = Access::OneOf(&[Scope::Read]);
const HOSTS: Access = Access::OneOf(&[Scope::Hosts]);
const ISSUE: Access = Access::OneOf(&[Scope::Issue]);
const PINS: Access = Access::OneOf(&[Scope::Pins]);
const AUDIT: Access = Access::OneOf(&[Scope::Audit]);
const ADMIN: Access = Access::OneOf(&[Scope::Admin]);
/// `operations` looks at the kind of operation then.
const ISSUE_OR_PINS: Access = Access::OneOf(&[Scope::Issue, Scope::Pins]);

/// Service, method, access.
pub const TABLE: &[(&str, &str, Access)] = &[
    ("keysteward.server.v1.Hosts", "List", READ),
    ("keysteward.server.v1.Hosts", "Get", READ),
    ("keysteward.server.v1.Hosts", "Approve", HOSTS),
    ("keysteward.server.v1.Hosts", "Revoke", HOSTS),
    ("keysteward.server.v1.JoinTokens", "Create", HOSTS),
    ("keysteward.server.v1.JoinTokens", "List", HOSTS),
    ("keysteward.server.v1.JoinTokens", "Revoke", HOSTS),
    ("keysteward.server.v1.Tokens", "List", READ),
    ("keysteward.server.v1.Tokens", "Get", READ),
    ("keysteward.server.v1.Tokens", "Register", ISSUE),
    ("keysteward.server.v1.TokenTypes", "Create", ADMIN),
    ("keysteward.server.v1.TokenTypes", "List", READ),
    ("keysteward.server.v1.TokenTypes", "Get", READ),
    ("keysteward.server.v1.TokenTypes", "Delete", ADMIN),
    ("keysteward.server.v1.Users", "Import", ISSUE),
    ("keysteward.server.v1.Users", "List", READ),
    ("keysteward.server.v1.Users", "Get", READ),
    ("keysteward.server.v1.Connections", "Create", ADMIN),
    ("keysteward.server.v1.Connections", "List", READ),
    ("keysteward.server.v1.Connections", "Get", READ),
    ("keysteward.server.v1.Connections", "Check", ADMIN),
    ("keysteward.server.v1.Connections", "Delete", ADMIN),
    ("keysteward.server.v1.Templates", "Create", ADMIN),
    ("keysteward.server.v1.Templates", "List", READ),
    ("keysteward.server.v1.Templates", "Get", READ),
    ("keysteward.server.v1.Templates", "Delete", ADMIN),
    ("keysteward.server.v1.Operations", "Start", ISSUE_OR_PINS),
    ("keysteward.server.v1.Operations", "Get", READ),
    ("keysteward.server.v1.Operations", "List", READ),
    ("keysteward.server.v1.Operations", "Watch", READ),
    ("keysteward.server.v1.Operations", "Cancel", ISSUE_OR_PINS),
    ("keysteward.server.v1.Operations", "Resolve", ISSUE_OR_PINS),
    ("keysteward.server.v1.Pins", "Reveal", PINS),
    ("keysteward.server.v1.Cards", "AnswerChallenge", PINS),
    ("keysteward.server.v1.Cards", "ReleasePuk", PINS),
    ("keysteward.server.v1.Cards", "ListCertificates", READ),
    ("keysteward.server.v1.Cards", "GetCertificate", READ),
    ("keysteward.server.v1.Cards", "ListMasterKeys", READ),
    ("keysteward.server.v1.Cards", "CreateMasterKey", ADMIN),
    ("keysteward.server.v1.Audit", "List", AUDIT),
    ("keysteward.server.v1.Audit", "Export", AUDIT),
    ("keysteward.server.v1.ApiKeys", "Create", ADMIN),
    ("keysteward.server.v1.ApiKeys", "List", ADMIN),
    ("keysteward.server.v1.ApiKeys", "Revoke", ADMIN),
    ("keysteward.server.v1.System", "GetStatus", READ),
    ("keysteward.server.v1.System", "EndReconciliation", ADMIN),
    ("grpc.health.v1.Health", ANY, Access::Open),
    ("grpc.reflection.v1.ServerReflection", ANY, READ),
];

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// `/package.Service/Method` of all that the public interface declares.
    fn declared() -> Vec<String> {
        let set = FileDescriptorSet::decode(keysteward_proto::DESCRIPTORS).unwrap();
        let public = set
            .file
            .iter()
            .filter(|file| file.package() == "keysteward.server.v1");
        public
            .flat_map(|file| &file.service)
            .flat_map(|service| {
                service
                    .method
                    .iter()
                    .map(|m| format!("/keysteward.server.v1.{}/{}", service.name(), m.name()))
            })
            .collect()
    }

    #[test]
    fn every_method_of_every_service_is_in_the_table_once() {
        let declared = declared();
        assert!(declared.len() > 30, "{declared:?}");
        for path in &declared {
            assert!(matches!(of(path), Some(Access::OneOf(_))), "{path}");
        }
        let ours = TABLE.iter().filter(|(_, method, _)| *method != ANY);
        assert_eq!(ours.count(), declared.len());
    }

    #[test]
    fn what_is_not_in_the_table_is_not_served() {
        for path in [
            "",
            "/",
            "/keysteward.server.v1.Hosts",
            "/keysteward.server.v1.Hosts/Delete",
            "/keysteward.agent.v1.Fido/Lease",
            "keysteward.server.v1.Hosts/List",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn only_health_is_open() {
        let open: Vec<&str> = TABLE
            .iter()
            .filter(|(_, _, access)| *access == Access::Open)
            .map(|(service, _, _)| *service)
            .collect();
        assert_eq!(open, ["grpc.health.v1.Health"]);
    }
}
