//! Tells the person at the host what a token waits for.
