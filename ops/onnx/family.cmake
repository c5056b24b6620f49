# Windows that slide over an image; products of matrices.
set(DEPENDS dnn)
