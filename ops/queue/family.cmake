# Who waits for a queue asks the runtime whether the run goes on.
set(DEPENDS runtime)
