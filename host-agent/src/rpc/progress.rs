//! What a caller hears while a step runs, and what the person at the host is asked for.

use std::collections::HashSet;

use keysteward_core::session::{Sample, UvMismatch};
use keysteward_proto::agent::v1 as proto;
use proto::progress::Kind;
use tokio::sync::mpsc;
use tonic::Status;

use super::host;
use crate::{
    prompt::Prompt,
    verb::{Listener, Waiting},
};

/// Passes progress on, and asks the person at the host: once for each thing to do.
pub(super) fn listener<R: Send + 'static>(
    answers: mpsc::Sender<Result<R, Status>>,
    told: fn(proto::Progress) -> R,
    title: &str,
    purpose: &str,
) -> Listener {
    let purpose = purpose.to_owned();
    let place = format!("the {title} on {}", host::hostname());
    let mut asked = HashSet::new();
    Box::new(move |waiting| {
        let (message, for_person) = in_words(waiting, &place);
        if for_person && asked.insert(message.clone()) {
            Prompt {
                request: message.clone(),
                purpose: purpose.clone(),
            }
            .show();
        }
        // Full or closed: the caller is slow or gone, and progress is for those who listen.
        drop(answers.try_send(Ok(told(progress(waiting, message)))));
    })
}

/// What to say of it, and whether it is for the person to do.
fn in_words(waiting: Waiting, place: &str) -> (String, bool) {
    match waiting {
        Waiting::Token => (format!("{place} works"), false),
        Waiting::Touch => (format!("touch {place} now"), true),
        Waiting::Unplug => (format!("unplug {place}"), true),
        Waiting::PlugIn => (
            format!("plug in {place}, then touch it within 10 seconds"),
            true,
        ),
        Waiting::Lease => (format!("another caller has {place}"), false),
        Waiting::Finger => (format!("lay your finger on {place}"), true),
        Waiting::User => (
            format!("lay your finger on {place}, or let it see your face"),
            true,
        ),
        Waiting::NotRecognised(mismatch) => {
            (mismatch_in_words(mismatch, place), mismatch.will_try_again)
        }
        Waiting::LongTouch => (
            format!("touch {place} for 5 seconds, without a break"),
            true,
        ),
        Waiting::Sample(sample) => (sample_in_words(sample), false),
    }
}

fn mismatch_in_words(mismatch: UvMismatch, place: &str) -> String {
    let left = match mismatch.retries {
        Some(1) => "; 1 try left".to_owned(),
        Some(left) => format!("; {left} tries left"),
        None => String::new(),
    };
    let then = if mismatch.will_try_again {
        "; try once more"
    } else {
        ""
    };
    format!("{place} did not recognise you{left}{then}")
}

fn sample_in_words(sample: Sample) -> String {
    match sample.remaining {
        0 => format!("{}; that was the last one", sample.status),
        1 => format!("{}; once more", sample.status),
        left => format!("{}; {left} more to come", sample.status),
    }
}

/// As the interface shows it.
pub(super) fn progress(waiting: Waiting, message: String) -> proto::Progress {
    let kind = match waiting {
        Waiting::Token => Kind::Processing,
        Waiting::Touch => Kind::TouchNeeded,
        Waiting::Unplug => Kind::UnplugNeeded,
        Waiting::PlugIn => Kind::PlugInNeeded,
        Waiting::Lease => Kind::WaitingForToken,
        Waiting::Finger | Waiting::Sample(_) | Waiting::User | Waiting::NotRecognised(_) => {
            Kind::FingerNeeded
        }
        Waiting::LongTouch => Kind::LongTouchNeeded,
    };
    let sample = match waiting {
        Waiting::Sample(sample) => Some(proto::FingerprintSample {
            status: u8::from(sample.status).into(),
            meaning: sample.status.to_string(),
            remaining: sample.remaining,
        }),
        _ => None,
    };
    let not_recognised = match waiting {
        Waiting::NotRecognised(mismatch) => Some(proto::UserNotRecognised {
            uv_retries: mismatch.retries.map(u32::from),
            asks_again: mismatch.will_try_again,
        }),
        _ => None,
    };
    proto::Progress {
        kind: kind.into(),
        message,
        sample,
        not_recognised,
    }
}
