program hello
  implicit none
  integer :: i
  real(8) :: a(100)
  do i = 1, 100
    a(i) = sqrt(dble(i))
  end do
  print '(a,f12.6)', 'hello from Fortran', sum(a)
end program hello
