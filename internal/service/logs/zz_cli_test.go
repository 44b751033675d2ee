package logs_test
import ("testing";"os/exec";"net/http/httptest";"os";"time";"fmt")
func TestZZCLI(t *testing.T){
 e:=start(t); e.make("/g","a","b")
 srv:=httptest.NewServer(e); defer srv.Close()
 for i:=range 4 { e.put("/g",[]string{"a","b"}[i%2],at(ago(time.Minute)+int64(i),fmt.Sprintf(`{"eventName":"X%d"}`,i))) }
 for _,args:=range [][]string{{"filter-log-events","--log-group-name","/g","--filter-pattern","{ $.eventName = X2 }"},{"get-log-events","--log-group-name","/g","--log-stream-name","a"},{"describe-log-groups"},{"describe-log-streams","--log-group-name","/g"},{"put-retention-policy","--log-group-name","/g","--retention-in-days","730"},{"create-log-group","--log-group-name","/g"}} {
 c:=exec.Command("aws",append([]string{"--endpoint-url",srv.URL,"--region","eu-west-1","logs"},args...)...)
 c.Env=append(os.Environ(),"AWS_ACCESS_KEY_ID=AKIAX","AWS_SECRET_ACCESS_KEY=x")
 out,err:=c.CombinedOutput(); t.Logf("%v %v\n%s",args,err,out)}
}
