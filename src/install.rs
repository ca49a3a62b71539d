//! Wheel + Scheme -> InstallPlan, and conflicts between plans; then the writes.
