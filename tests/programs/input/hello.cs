using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

class Program
{
    static void Main()
    {
        var counts = new Dictionary<string, int>();
        foreach (var word in "a b a c".Split(' ')) counts[word] = counts.ContainsKey(word) ? counts[word] + 1 : 1;
        Console.WriteLine(string.Join(",", counts.OrderBy(p => p.Key).Select(p => p.Key + p.Value)));
        Console.WriteLine(Enumerable.Range(1, 10).Select(n => Task.Run(() => n * n)).Sum(t => t.Result));
        try
        {
            string none = null;
            Console.WriteLine(none.Length);
        }
        catch (NullReferenceException e)
        {
            Console.WriteLine(e.Message);
        }
    }
}
