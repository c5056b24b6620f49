# Dictionaries and maps that are written to files.
set(DEPENDS io)
