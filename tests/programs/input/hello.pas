program hello;
{$mode objfpc}
uses sysutils, classes;
var
  list: TStringList;
  i: integer;
begin
  list := TStringList.Create;
  for i := 1 to 20 do list.Add(Format('%.3d', [(i * 7919) mod 101]));
  list.Sort;
  WriteLn(list.CommaText);
  try
    i := 0;
    WriteLn(7 div i)
  except
    on e: Exception do WriteLn(e.ClassName, ': ', e.Message)
  end
end.
