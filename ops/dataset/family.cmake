# Cursors are written to files.
set(DEPENDS io)
