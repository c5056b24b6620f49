#Operators that run nets.
set(DEPENDS runtime)
