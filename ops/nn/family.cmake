# Convolutions, matrix products and pools.
set(DEPENDS dnn)
