//! Following work to its end: a bar on standard error where a person looks, and a plain
//! sentence when they must do something ("touch the key on laptop-7 now").

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keysteward_proto::server::v1::{
    GetOperationRequest, Operation, Prompt, StartOperationRequest, WatchOperationRequest,
    operation_event::Event,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use crate::{
    connect::Server,
    duration,
    failure::{Failure, Result},
};

/// How long a server may be away (a restart) while work is followed.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Wait {
    /// Return as soon as the server has written the operation down
    #[arg(long, conflicts_with = "timeout")]
    no_wait: bool,
    /// Stop waiting after this time, such as 5m; the operation goes on
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

impl Wait {
    pub(crate) fn is_off(&self) -> bool {
        self.no_wait
    }
}

/// What a person sees while one thing is worked on.
pub(crate) struct Screen {
    bar: ProgressBar,
    said: String,
    /// Before each sentence of a part.
    about: Option<String>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:24}] {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            bar,
            said: String::new(),
            about: None,
        }
    }

    /// For one of several things that are worked on at a time: says sentences, leaves the bar.
    pub(crate) fn part(&self, about: &str) -> Self {
        Self {
            bar: self.bar.clone(),
            said: String::new(),
            about: Some(about.to_owned()),
        }
    }

    pub(crate) fn steps(&self, done: u64, total: u64, doing: &str) {
        if self.about.is_some() {
            return;
        }
        self.bar.set_length(total.max(1));
        self.bar.set_position(done);
        self.bar.set_message(doing.to_owned());
    }

    /// A sentence that must not be missed: on a terminal and in a log alike, each once in a row.
    pub(crate) fn say(&mut self, sentence: &str) {
        if sentence.is_empty() || sentence == self.said {
            return;
        }
        self.said = sentence.to_owned();
        let line = match &self.about {
            Some(about) => format!("{about}: {sentence}"),
            None => sentence.to_owned(),
        };
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.about.is_none() {
            self.bar.finish_and_clear();
        }
    }
}

/// Asks for an operation. The id is chosen here, so a lost answer is asked for again safely.
pub(crate) async fn start(
    server: &Server,
    mut request: StartOperationRequest,
) -> Result<Operation> {
    if request.operation_id.is_empty() {
        request.operation_id = uuid::Uuid::now_v7().to_string();
    }
    let until = Instant::now() + PATIENCE;
    loop {
        match server.operations().start(request.clone()).await {
            Ok(operation) => return Ok(operation.into_inner()),
            Err(status) if is_away(&status) && Instant::now() < until => sleep(BETWEEN_TRIES).await,
            Err(status) => return Err(lost(server, status)),
        }
    }
}

/// Follows an operation as long as `wait` says. Gives it as it was last seen.
pub(crate) async fn follow(
    server: &Server,
    operation: Operation,
    wait: &Wait,
    screen: &mut Screen,
) -> Result<Operation> {
    if wait.no_wait || is_settled(&operation.state) {
        return Ok(operation);
    }
    let id = operation.id.clone();
    let to_the_end = to_the_end(server, operation, screen);
    match wait.timeout {
        None => to_the_end.await,
        Some(limit) => match timeout(limit, to_the_end).await {
            Ok(operation) => operation,
            Err(_) => {
                let request = GetOperationRequest { operation: id };
                let detail = server.operations().get(request).await?.into_inner();
                detail
                    .operation
                    .ok_or(Failure::Answer("it lacks the operation"))
            }
        },
    }
}

/// Whether waiting longer changes nothing: it ended, or it needs a person.
pub(crate) fn is_settled(state: &str) -> bool {
    !matches!(state, "running" | "waiting")
}

/// What an operation's state means for the exit code, after `wait` was honoured.
pub(crate) fn verdict(operation: &Operation, wait: &Wait) -> Result<()> {
    match operation.state.as_str() {
        "succeeded" => Ok(()),
        "running" | "waiting" if wait.no_wait => Ok(()),
        "running" | "waiting" => Err(Failure::StillOpen {
            id: operation.id.clone(),
            state: operation.state.clone(),
        }),
        _ => Err(Failure::Ended {
            id: operation.id.clone(),
            state: operation.state.clone(),
            remark: operation.remark.clone(),
            next_action: operation.next_action.clone(),
        }),
    }
}

async fn to_the_end(
    server: &Server,
    mut operation: Operation,
    screen: &mut Screen,
) -> Result<Operation> {
    let mut heard = Instant::now();
    loop {
        let request = WatchOperationRequest {
            operation: operation.id.clone(),
        };
        let trouble = match server.operations().watch(request).await {
            Err(status) => status,
            Ok(stream) => {
                let mut stream = stream.into_inner();
                loop {
                    let event = match stream.message().await {
                        Ok(Some(event)) => event,
                        // The server stops; ask again.
                        Ok(None) => break Status::unavailable("the server ended the watch"),
                        Err(status) => break status,
                    };
                    heard = Instant::now();
                    match event.event {
                        Some(Event::Operation(now)) => operation = now,
                        Some(Event::Prompt(prompt)) => show_prompt(screen, &operation, &prompt),
                        None => {}
                    }
                    show(screen, &operation);
                    if is_settled(&operation.state) {
                        return Ok(operation);
                    }
                }
            }
        };
        if !is_away(&trouble) || heard.elapsed() > PATIENCE {
            return Err(lost(server, trouble));
        }
        sleep(BETWEEN_TRIES).await;
    }
}

fn show(screen: &mut Screen, operation: &Operation) {
    let doing = format!("{} {}", operation.kind, operation.step);
    screen.steps(
        operation.steps_done.into(),
        operation.steps_total.into(),
        doing.trim(),
    );
    if operation.state == "waiting" {
        screen.say(&format!("waiting: {}", operation.remark));
    }
}

fn show_prompt(screen: &mut Screen, operation: &Operation, prompt: &Prompt) {
    if prompt.kind == "processing" {
        screen.steps(
            operation.steps_done.into(),
            operation.steps_total.into(),
            &prompt.message,
        );
    } else {
        screen.say(&prompt.message);
    }
}

/// The transport says "unavailable" for a server that is down and "unknown" for a link that
/// broke under a call; the server itself sends neither for a request that it judged.
fn is_away(status: &Status) -> bool {
    status.details().is_empty()
        && matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled
        )
}

fn lost(server: &Server, status: Status) -> Failure {
    if is_away(&status) {
        Failure::Unreachable {
            address: server.address.clone(),
            why: status.message().to_owned(),
        }
    } else {
        status.into()
    }
}

#[cfg(test)]
mod tests;
