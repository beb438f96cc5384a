//! Other people's authenticator: OpenSK, in the environment that it is tested in.

use opensk::ctap::{Channel, CtapState};
use opensk::env::test::TestEnv;

use crate::dialogue::Key;

/// A key whose user touches at once.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct OpenSk {
    env: TestEnv,
    state: CtapState<TestEnv>,
}

impl OpenSk {
    pub fn new() -> Self {
        let mut env = TestEnv::default();
        let state = CtapState::new(&mut env);
        Self { env, state }
    }
}

impl Key for OpenSk {
    fn send(&mut self, request: &[u8]) -> Vec<u8> {
        let channel = Channel::MainHid([0, 0, 0, 1]);
        self.state.process_command(&mut self.env, request, channel)
    }

    /// Its CTAP1 is behind its own CTAPHID only.
    fn send_ctap1(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn power_cycle(&mut self) {
        self.state = CtapState::new(&mut self.env);
    }

    fn wait(&mut self, milliseconds: u64) {
        use opensk::env::Env;
        self.env.clock().advance(milliseconds as usize);
    }
}
