import qualified Data.Map.Strict as M
import Control.Concurrent
import Control.Exception
import Control.Monad
main :: IO ()
main = do
  let m = foldr (\n -> M.insertWith (+) (n `mod` 97) n) M.empty [1 .. 100000 :: Int]
  print (M.size m, M.lookup 7 m, sum (M.elems m))
  v <- newEmptyMVar
  forM_ [1 .. 10] $ \n -> forkIO (putMVar v (n * n :: Integer))
  ns <- replicateM 10 (takeMVar v)
  print (sum ns, 2 ^ (200 :: Int) :: Integer)
  r <- try (evaluate (1 `div` (0 :: Int))) :: IO (Either ArithException Int)
  print r
