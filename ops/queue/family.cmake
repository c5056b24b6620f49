# Who waits for a queue asks the runtime whether the run goes on. A queue may be read as a database.
set(DEPENDS runtime io)
