// Empty: a precompiled header must belong to a target, and a target must have a source.
