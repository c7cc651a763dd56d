with Ada.Text_IO; use Ada.Text_IO;
procedure Hello is
   task type Worker (N : Integer) is
      entry Get (R : out Integer);
   end Worker;
   task body Worker is
   begin
      accept Get (R : out Integer) do
         R := N * N;
      end Get;
   end Worker;
   A : Worker (7);
   B : Worker (8);
   X, Y : Integer;
   S : array (1 .. 3) of Integer := (1, 2, 3);
begin
   A.Get (X);
   B.Get (Y);
   Put_Line ("tasks" & Integer'Image (X + Y));
   S (X - 39) := 5;
exception
   when Constraint_Error =>
      Put_Line ("index out of range");
end Hello;
