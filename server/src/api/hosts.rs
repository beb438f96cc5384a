//! `server.v1.Hosts`

use keysteward_proto::{
    agent::v1::{HostFacts, Token},
    server::v1::{self as wire, hosts_server},
};
use tonic::{Request, Response, Status};

use super::{
    Rooms,
    auth::Caller,
    names,
    page::{filter, next_token, page, word},
};
use crate::store::{self, host::Host};

pub(super) struct Hosts(pub(super) Rooms);

#[tonic::async_trait]
impl hosts_server::Hosts for Hosts {
    async fn list(
        &self,
        request: Request<wire::ListHostsRequest>,
    ) -> Result<Response<wire::ListHostsResponse>, Status> {
        let request = request.into_inner();
        let mut wanted = page(request.page_size, &request.page_token)?;
        let which = store::host::Filter {
            state: word("state", &request.state)?,
            host_group: filter(request.group),
            hostname: None,
        };
        let mut read = self.0.store.read().await?;
        let Some(linked) = request.linked else {
            let listed = store::host::list(&mut read, &which, wanted).await?;
            let next_page_token = next_token(&listed);
            let hosts = listed
                .rows
                .into_iter()
                .map(|host| self.wire(host))
                .collect();
            return Ok(Response::new(wire::ListHostsResponse {
                hosts,
                next_page_token,
            }));
        };
        // Links are known to the fleet alone: pages of the store are read until one is full.
        let size = wanted.size as usize;
        let mut hosts = Vec::new();
        let mut next_page_token = String::new();
        'pages: loop {
            let listed = store::host::list(&mut read, &which, wanted).await?;
            for host in listed.rows {
                if self.0.fleet.link(host.id).is_some() != linked {
                    continue;
                }
                if hosts.len() == size {
                    break 'pages;
                }
                next_page_token = host.id.to_string();
                hosts.push(self.wire(host));
            }
            match listed.next {
                Some(after) => wanted.after = Some(after),
                None => {
                    next_page_token.clear();
                    break;
                }
            }
        }
        Ok(Response::new(wire::ListHostsResponse {
            hosts,
            next_page_token,
        }))
    }

    async fn get(
        &self,
        request: Request<wire::GetHostRequest>,
    ) -> Result<Response<wire::Host>, Status> {
        let host = names::host(&mut self.0.store.read().await?, &request.get_ref().host).await?;
        Ok(Response::new(self.wire(host)))
    }

    async fn approve(
        &self,
        request: Request<wire::ApproveHostRequest>,
    ) -> Result<Response<wire::Host>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let host = names::host(&mut self.0.store.read().await?, &request.get_ref().host).await?;
        let host = self.0.fleet.approve_host(&actor, host.id).await?;
        Ok(Response::new(self.wire(host)))
    }

    async fn revoke(
        &self,
        request: Request<wire::RevokeHostRequest>,
    ) -> Result<Response<wire::Host>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let request = request.into_inner();
        let host = names::host(&mut self.0.store.read().await?, &request.host).await?;
        let host = self
            .0
            .fleet
            .revoke_host(&actor, host.id, &request.reason)
            .await?;
        Ok(Response::new(self.wire(host)))
    }
}

impl Hosts {
    fn wire(&self, host: Host) -> wire::Host {
        let tokens: Vec<Token> = self.0.fleet.tokens(host.id);
        let duplicate = self.0.fleet.duplicate_of(host.id);
        wire::Host {
            id: host.id.to_string(),
            hostname: host.hostname,
            group: host.host_group,
            state: host.state.as_str().to_owned(),
            linked: self.0.fleet.link(host.id).is_some(),
            agent_version: host.agent_version,
            facts: Some(HostFacts {
                hostname: host.facts.hostname,
                os: host.facts.os,
                os_version: host.facts.os_version,
                machine_id: host.facts.machine_id,
                architecture: host.facts.architecture,
            }),
            tokens,
            enrolled_at_us: host.enrolled_at.0,
            last_seen_at_us: host.last_seen_at.map_or(0, |at| at.0),
            duplicate: duplicate.map(|duplicate| wire::Duplicate {
                hostname: duplicate.hostname,
                address: duplicate.address.to_string(),
                boot_id: duplicate.boot_id,
                seen_at_us: duplicate.seen_at.0,
            }),
        }
    }
}
