# ImageInput reads databases and decodes pictures, ahead of the run.
set(DEPENDS runtime io)
