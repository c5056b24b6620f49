# What is in the workspace, and how it is written.
set(DEPENDS runtime io)
