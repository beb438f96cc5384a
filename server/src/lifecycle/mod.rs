//! Tokens, templates, states and the moves between them: pure data and rules.
