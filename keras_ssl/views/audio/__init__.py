"""Operations on recordings `(n, time)`, whose padding, the zeros at their ends, they leave alone."""
