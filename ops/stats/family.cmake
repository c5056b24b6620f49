# Counters that are written to files.
set(DEPENDS io)
