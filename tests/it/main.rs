//! The integration tests: one binary, so that it is linked once.
//!
//! Modules stand under `#[cfg(test)]`, which is always true here: it tells clippy that helpers, too, may unwrap.

#[cfg(test)]
mod acts;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod audit_export;
#[cfg(test)]
mod audit_faults;
#[cfg(test)]
mod audit_leaks;
#[cfg(test)]
mod audit_show;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod beginnings;
#[cfg(test)]
mod callers;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod certs;
#[cfg(test)]
mod check;
#[cfg(test)]
mod checked;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod config;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crl;
#[cfg(test)]
mod debian;
#[cfg(test)]
mod decided;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod diagonal;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod disclosure;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod events;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod expiries;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod fetched;
#[cfg(test)]
mod first_page;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod h2;
#[cfg(test)]
mod handshake_garbage;
#[cfg(test)]
mod handshakes;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod house;
#[cfg(test)]
mod houses;
#[cfg(test)]
mod http1;
#[cfg(test)]
mod hung_disks;
#[cfg(test)]
mod identity_page;
#[cfg(test)]
mod inbound;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod json;
#[cfg(test)]
mod jumps;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod keys_elsewhere;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod local_time;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod own_keys;
#[cfg(test)]
mod partner_client;
#[cfg(test)]
mod partner_door;
#[cfg(test)]
mod partner_faults;
#[cfg(test)]
mod partner_guide;
#[cfg(test)]
mod partner_lists;
#[cfg(test)]
mod pasted;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod played;
#[cfg(test)]
mod policy_guide;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod session_attacks;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod signed_swaps;
#[cfg(test)]
mod since_live;
#[cfg(test)]
mod start;
#[cfg(test)]
mod status;
#[cfg(test)]
mod step_up;
#[cfg(test)]
mod stranger;
#[cfg(test)]
mod swap;
#[cfg(test)]
mod systemd;
#[cfg(test)]
mod taken_up;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod tenants_and_partners;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tls_scan;
#[cfg(test)]
mod token_command;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod top;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod two_partners;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod watched;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod withdrawal;
#[cfg(test)]
mod witnesses;
