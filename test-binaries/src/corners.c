// Corners of small calls: clone3's arguments, waitid, pidfds, getitimer and setitimer, adjtimex read, copies of System V
// messages, unshare and setns, I/O priorities, getrandom. Not checked: setting clocks, namespaces.
#include "t.h"
#include <poll.h>
#include <sched.h>
#include <sys/msg.h>
#include <sys/time.h>
#include <sys/timex.h>
#define P(x) ret(#x, (x))
#define Q(x) ok(#x, (x))
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
struct ca{unsigned long long flags,pidfd,ctid,ptid,sig,stack,ssize,tls,settid,nset,cg;};
static long c3(struct ca*a,size_t s){long r=syscall(435,a,s);
  if (r == 0) _exit(7);
  return r;}
int main(){ int s;
  struct ca a; siginfo_t si; 
 memset(&a,0,sizeof a);
  a.sig=SIGCHLD;
  Q(c3(&a,sizeof a));
  wait(&s);
  status("the child", s);
 P(c3(&a,63));
  P(c3(&a,5000));
  P(c3(0,64));
  Q(c3(&a,64));
  wait(0);
 a.sig=65;
  P(c3(&a,88));
  a.sig=256;
  P(c3(&a,88));
  a.sig=17;
  a.stack=4096;
  P(c3(&a,88));
  a.stack=0;a.ssize=4096;
  P(c3(&a,88));
  a.ssize=0;
  a.flags=0x10000;
  P(c3(&a,88));
  a.flags=CLONE_SIGHAND;
  P(c3(&a,88));
  a.flags=1;
  P(c3(&a,88));
  a.flags=0x1000000000ull;
  P(c3(&a,88));
  a.flags=0x100000000ull|CLONE_SIGHAND|CLONE_VM;
  P(c3(&a,88));
  a.flags=CLONE_PARENT;
  P(c3(&a,88));
  a.sig=0;
  a.flags=CLONE_DETACHED;
  P(c3(&a,88));
  a.flags=CLONE_PIDFD;
  a.pidfd=8;
  P(c3(&a,88));
  int pfd=-1;
  a.pidfd=(long)&pfd;
  a.sig=17;
  long r=c3(&a,88);
  show("CLONE_PIDFD", "%d %d", r > 0, pfd >= 0);
  P(waitid(P_PIDFD,pfd,&si,WEXITED));
  show("by its pidfd", "code %d status %d", si.si_code, si.si_status);
  struct pollfd pf={pfd,POLLIN,0};
  P(poll(&pf,1,0));
  show("poll", "%x", pf.revents);
  P(fcntl(pfd,F_GETFD));
  P(waitid(P_PIDFD,pfd,&si,WEXITED));
 memset(&a,0,sizeof a);
  a.sig=17; pid_t st[1]={1};
  a.settid=(long)st;
  a.nset=0;
  P(c3(&a,80));
  a.settid=0;a.nset=1;
  P(c3(&a,80));
  a.nset=100;a.settid=(long)st;
  P(c3(&a,80));
  a.nset=1;
  st[0]=-1;
  P(c3(&a,80));
  st[0]=1;
  P(c3(&a,80));
 P(waitid(P_ALL,0,&si,0));
  P(waitid(9,0,&si,WEXITED));
  P(waitid(P_PID,0,&si,WEXITED));
  P(waitid(P_PGID,-1,&si,WEXITED));
  P(waitid(P_PIDFD,-1,&si,WEXITED));
  P(waitid(P_PIDFD,0,&si,WEXITED));
  P(waitid(P_ALL,0,&si,WEXITED));
  P(waitpid(-2147483647-1,&s,0));
  P(wait4(-1,&s,0x1000,0));
  P(waitid(P_ALL,0,&si,WEXITED|0x10)); 
 P(syscall(SYS_pidfd_open,-1,0));
  P(syscall(SYS_pidfd_open,0,0));
  P(syscall(SYS_pidfd_open,getpid(),1));
  P(syscall(SYS_pidfd_open,9999999,0));
  Q(syscall(SYS_pidfd_open,getpid(),O_NONBLOCK));
  P(syscall(SYS_pidfd_send_signal,0,0,0,0));
  P(syscall(SYS_pidfd_send_signal,99,0,0,0));
  int me=syscall(SYS_pidfd_open,getpid(),0);
  P(syscall(SYS_pidfd_send_signal,me,0,0,0));
  P(syscall(SYS_pidfd_send_signal,me,0,0,64));
  P(syscall(SYS_pidfd_send_signal,me,99,0,0));
  si.si_signo=10;
  P(syscall(SYS_pidfd_send_signal,me,12,&si,0));
  P(syscall(SYS_pidfd_getfd,me,99,0));
  P(syscall(SYS_pidfd_getfd,me,0,1));
  Q(syscall(SYS_pidfd_getfd,me,1,0));
 struct timex tx;
  memset(&tx,0,sizeof tx);
  Q(adjtimex(&tx));
  Q(clock_adjtime(CLOCK_REALTIME,&tx));
  P(clock_adjtime(99,&tx));
  P(syscall(SYS_adjtimex,8)); 
 P(syscall(SYS_sysinfo,8));
  P(syscall(SYS_getitimer,5,&tx));
  P(syscall(SYS_getitimer,0,8));
  P(syscall(SYS_setitimer,5,0,0));
  struct itimerval iv={{0,0},{0,1000000}};
  P(setitimer(0,&iv,0)); iv.it_value.tv_usec=-1;
  P(setitimer(0,&iv,0));
  P(syscall(SYS_setitimer,0,8,0));
 int q=msgget(IPC_PRIVATE,0600);
  struct {long t; char b[8];} m={1,"abc"};
  msgsnd(q,&m,3,0);
  m.t=2;
  msgsnd(q,&m,4,0);
  P(msgrcv(q,&m,8,0,MSG_COPY));
  P(msgrcv(q,&m,8,0,MSG_COPY|IPC_NOWAIT));
  show("type", "%ld", m.t);
  P(msgrcv(q,&m,8,1,MSG_COPY|IPC_NOWAIT));
  show("type", "%ld", m.t);
  P(msgrcv(q,&m,8,5,MSG_COPY|IPC_NOWAIT));
  P(msgrcv(q,&m,8,0,MSG_COPY|MSG_EXCEPT|IPC_NOWAIT));
  P(msgrcv(q,&m,2,0,MSG_COPY|IPC_NOWAIT));
  P(msgrcv(q,&m,2,0,MSG_COPY|IPC_NOWAIT|MSG_NOERROR));
  P(msgctl(q,IPC_RMID,0));
 P(syscall(SYS_unshare,0));
  P(syscall(SYS_setns,99,0));
  P(syscall(SYS_setns,0,0));
 P(syscall(SYS_ioprio_get,1,0));
  P(syscall(SYS_ioprio_get,9,0));
  P(syscall(SYS_ioprio_get,1,9999999));
  P(syscall(SYS_ioprio_set,1,0,4<<13));
  P(syscall(SYS_ioprio_set,1,0,(2<<13)|9));
  P(syscall(SYS_ioprio_set,1,0,(2<<13)|4));
  P(syscall(SYS_ioprio_get,1,0)); 
 P(syscall(SYS_getrandom,&m,8,16));
  P(syscall(SYS_getrandom,&m,8,6));
  P(syscall(SYS_getrandom,8,8,0));
  P(syscall(SYS_getrandom,&m,8,1)); 
 P(syscall(SYS_set_tid_address,0)==getpid());
  P(syscall(SYS_restart_syscall));
}
