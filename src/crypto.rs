//! Passwords, random ids, digests, MACs, sealing, constant-time comparison.
