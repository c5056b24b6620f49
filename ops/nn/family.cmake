# Matrix products run in oneDNN; OpenMP, to keep it to the threads that doppio gives it.
set(LINK_PRIVATE DNNL::dnnl)
set(OPENMP nn/onednn.cc)
