# A queue may be read as a database.
set(DEPENDS io)
