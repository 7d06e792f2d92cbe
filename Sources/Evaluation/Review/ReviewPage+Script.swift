extension ReviewPage {
    /// Shows rows that are in sight and the document that is chosen. Data reaches the page as text alone:
    /// `textContent`, never markup.
    package static let script = """
        (function(){"use strict";
        var HEIGHT=62,get=function(id){return document.getElementById(id);},
        rows=JSON.parse(get("rows").textContent),lines=[],list=get("list"),space=get("space"),doc=get("doc"),
        find=get("find"),label=get("label"),state=get("state"),low=get("low"),high=get("high"),order=get("order"),
        kept=[],chosen=-1,marks=[],at=-1;
        get("texts").textContent.split("\\n").forEach(function(line){
        var cut=line.indexOf(" ");if(cut>0)lines[+line.slice(0,cut)]=line.slice(cut+1);});
        get("tools").hidden=rows.length<2;get("review").hidden=false;
        if(rows.length<2)document.querySelector("main").classList.add("single");
        function make(name,kind,text,inside){var e=document.createElement(name);if(kind)e.className=kind;
        if(text!==undefined&&text!==null)e.textContent=text;if(inside)inside.appendChild(e);return e;}
        function names(field){var seen={},out=[];rows.forEach(function(row){
        [].concat(row[field]||[]).forEach(function(name){
        if(!seen["$"+name]){seen["$"+name]=1;out.push(name);}});});return out.sort();}
        function options(select,values){values.forEach(function(value){make("option","",value,select).value=value;});
        if(values.length<2)select.hidden=true;}
        options(label,names("l"));options(state,names("s"));
        if(!rows.some(function(row){return row.p!==undefined;})){get("sure").hidden=true;order.hidden=true;}
        function kind(status){return status==="ok"?"":/^(abstained|partial|skipped)/.test(status)?" warn":" bad";}
        function has(index,words){var row=rows[index];
        return [row.t,row.i,row.f].concat(row.l||[]).join(" ").toLowerCase().indexOf(words)>=0
        ||(words.length>2&&lines[index]!==undefined&&lines[index].toLowerCase().indexOf(words)>=0);}
        function filter(){var words=find.value.trim().toLowerCase(),a=parseFloat(low.value),b=parseFloat(high.value),
        any=!(a>0)&&!(b<1),before=kept[chosen];kept=[];
        rows.forEach(function(row,index){
        if((!label.value||(row.l||[]).indexOf(label.value)>=0)&&(!state.value||row.s===state.value)
        &&(any||(row.p!==undefined&&!(row.p<a)&&!(row.p>b)))&&(!words||has(index,words)))kept.push(index);});
        if(order.value){var sign=order.value==="up"?1:-1;kept.sort(function(x,y){
        var p=rows[x].p,q=rows[y].p;if(p===undefined||q===undefined)return (p===undefined)-(q===undefined)||x-y;
        return sign*(p-q)||x-y;});}
        get("shown").textContent=kept.length.toLocaleString("en")+" of "+rows.length.toLocaleString("en");
        space.style.height=Math.max(kept.length*HEIGHT,1)+"px";
        chosen=-1;var same=kept.indexOf(before);draw();
        if(kept.length)choose(same<0?0:same);else{list.removeAttribute("aria-activedescendant");
        doc.textContent="";make("p","soft","No row fits these filters.",doc);}}
        function draw(){var first=Math.max(0,Math.floor(list.scrollTop/HEIGHT)-8),
        last=Math.min(kept.length,Math.ceil((list.scrollTop+list.clientHeight)/HEIGHT)+8);
        space.textContent="";
        if(!kept.length){make("div","none","Nothing to show.",space);return;}
        for(var place=first;place<last;place++)space.appendChild(line(place));}
        function line(place){var row=rows[kept[place]],e=make("div","row"),top=make("div","top",null,e),
        lower=make("div","low",null,e);
        e.id="row"+place;e.setAttribute("role","option");e.setAttribute("aria-selected",place===chosen);
        e.setAttribute("aria-posinset",place+1);e.setAttribute("aria-setsize",kept.length);
        e.style.top=place*HEIGHT+"px";
        var what=make("span","what",row.t||row.f||row.i,top);what.dir="auto";
        if(row.l){var tag=make("span","tag",row.l.join(", "),top);if(row.l.length>1)tag.title=row.l.join(", ");}
        if(row.p!==undefined)make("span","num",row.p.toFixed(3),top);
        var where=make("span","where",(row.f?row.f+" · ":"")+(row.i.length>44?"…"+row.i.slice(-42):row.i),lower);where.title=row.i;
        if(row.s!=="ok")make("span","chip"+kind(row.s),row.s,lower);
        e.addEventListener("click",function(){choose(place);list.focus();});return e;}
        function choose(place){if(!kept.length)return;
        chosen=Math.max(0,Math.min(kept.length-1,place));
        var y=chosen*HEIGHT;
        if(y<list.scrollTop)list.scrollTop=y;
        else if(y+HEIGHT>list.scrollTop+list.clientHeight)list.scrollTop=y+HEIGHT-list.clientHeight;
        draw();list.setAttribute("aria-activedescendant","row"+chosen);show(kept[chosen]);
        try{history.replaceState(null,"","#row="+(kept[chosen]+1));}catch(e){}}
        function show(index){var row=rows[index],data=lines[index]===undefined?null:JSON.parse(lines[index]);
        doc.textContent="";doc.scrollTop=0;marks=[];at=-1;
        var title=make("h3","",row.u||row.t||row.i,doc);title.dir="auto";make("div","path",row.i,doc);
        if(!data){make("p","soft","Its text is not on this page.",doc);return;}
        if(data.w){var warn=make("div","warnings",null,doc);data.w.forEach(function(w){make("div","",w,warn);});}
        if(data.g)shares(data.g);
        if(data.v.length)values(data.v);
        var facts=make("dl","facts",null,doc);
        data.h.forEach(function(h){make("dt","",h[0],facts);make("dd","",h[1],facts).dir="auto";});
        var before=null;
        data.x.forEach(function(x){if(x.a!==(before?before.a:row.i))make("div","gap",x.a,doc);
        if(before&&before.a===x.a)make("div","gap","… byte "+x.b.toLocaleString("en")+" …",doc);
        else if(x.b>0)make("div","gap","… byte "+x.b.toLocaleString("en")+" …",doc);
        text(x);before=x;});
        if(before&&before.c)make("div","gap","… the text goes on …",doc);
        if(!data.x.length)make("p","soft","No text is shown: nothing was read, or it is no longer there.",doc);
        linkMarks();}
        function shares(g){var box=make("div","share",null,doc),NS="http"+"://www.w3.org/2000/svg";
        g.forEach(function(s,k){make("div","label",s[0],box);
        var svg=document.createElementNS(NS,"svg");svg.setAttribute("viewBox","0 0 100 10");
        svg.setAttribute("preserveAspectRatio","none");svg.setAttribute("aria-hidden","true");
        [["track",100],["k"+k%6,100*s[1]]].forEach(function(r){var rect=document.createElementNS(NS,"rect");
        rect.setAttribute("class",r[0]);rect.setAttribute("width",r[1]);rect.setAttribute("height",10);
        svg.appendChild(rect);});
        box.appendChild(svg);make("div","n",s[1].toFixed(3),box);});}
        function values(v){var table=make("table","values",null,doc),body=make("tbody","",null,table),
        group="";
        v.forEach(function(value,k){if((value.g||"")!==group){group=value.g||"";
        var head=make("th","group",group,make("tr","",null,body));head.colSpan=3;head.scope="rowgroup";}
        var tr=make("tr","",null,body);tr.dataset.value=k;
        var name=make("td","name",null,tr);make("span","dot m"+k%6,"",name);
        name.appendChild(document.createTextNode(value.n));name.title=value.n;
        var cell=make("td","",null,tr);
        if(value.t){var b=make("button","",value.t,cell);b.type="button";b.dir="auto";
        b.addEventListener("click",function(){jump(k);});}
        if(value.o)make("span","note",value.o,cell);
        var p=make("td","n",value.p===null?"":value.p.toFixed(3),tr);
        if(value.z!==null)p.title="probability that it is not in the text: "+value.z.toFixed(3);});}
        function linkMarks(){marks.forEach(function(m,k){m.addEventListener("click",function(){go(k);});});}
        function text(x){var box=make("div","text",null,doc),edges=[0,x.t.length];box.dir="auto";
        x.m.forEach(function(m){edges.push(m[0],m[1]);});
        edges.sort(function(a,b){return a-b;});
        for(var k=0;k+1<edges.length;k++){var a=edges[k],b=edges[k+1];if(a===b)continue;
        var over=x.m.filter(function(m){return m[0]<=a&&m[1]>=b;});
        if(!over.length){box.appendChild(document.createTextNode(x.t.slice(a,b)));continue;}
        over.sort(function(m,n){return (m[1]-m[0])-(n[1]-n[0]);});
        var mark=make("mark","m"+over[0][2]%6,x.t.slice(a,b),box);
        mark.dataset.values=over.map(function(m){return m[2];}).join(" ");
        if(over.some(function(m){return m[0]===a;}))marks.push(mark);}}
        function go(k){if(!marks.length)return;if(at>=0&&marks[at])marks[at].classList.remove("here");
        at=(k+marks.length)%marks.length;var mark=marks[at];mark.classList.add("here");
        mark.scrollIntoView({block:"center"});
        var on=(" "+mark.dataset.values+" ");
        Array.prototype.forEach.call(doc.querySelectorAll("tr[data-value]"),function(tr){
        tr.classList.toggle("on",on.indexOf(" "+tr.dataset.value+" ")>=0);});}
        function jump(value){for(var step=1;step<=marks.length;step++){var k=(Math.max(at,-1)+step)%marks.length;
        if((" "+marks[k].dataset.values+" ").indexOf(" "+value+" ")>=0){go(k);return;}}}
        var later;find.addEventListener("input",function(){clearTimeout(later);later=setTimeout(filter,120);});
        [label,state,low,high].forEach(function(e){e.addEventListener("input",filter);});
        order.addEventListener("input",function(){chosen=-1;filter();});
        list.addEventListener("scroll",draw);window.addEventListener("resize",draw);
        document.addEventListener("click",function(event){var e=event.target;
        if(!e.classList||!e.classList.contains("pick"))return;
        if(e.dataset.label!==undefined)label.value=label.value===e.dataset.label?"":e.dataset.label;
        if(e.dataset.state!==undefined)state.value=state.value===e.dataset.state?"":e.dataset.state;
        filter();get("tools").scrollIntoView();});
        document.addEventListener("keydown",function(event){
        if(event.ctrlKey||event.metaKey||event.altKey)return;
        var key=event.key,typing=/^(INPUT|SELECT)$/.test(event.target.tagName);
        if(key==="Escape"){if(event.target===find&&find.value){find.value="";filter();}list.focus();
        event.preventDefault();return;}
        if(typing){if(event.target===find&&(key==="Enter"||key==="ArrowDown")){list.focus();event.preventDefault();}
        return;}
        var page=Math.max(1,Math.floor(list.clientHeight/HEIGHT)-1),inDoc=doc.contains(event.target);
        if(key==="/"){find.focus();find.select();}
        else if(key==="n")go(at+1);
        else if(key==="p")go(at<0?-1:at-1);
        else if(key==="j"||(!inDoc&&key==="ArrowDown"))choose(chosen+1);
        else if(key==="k"||(!inDoc&&key==="ArrowUp"))choose(chosen-1);
        else if(!inDoc&&key==="PageDown")choose(chosen+page);
        else if(!inDoc&&key==="PageUp")choose(chosen-page);
        else if(!inDoc&&key==="Home")choose(0);
        else if(!inDoc&&key==="End")choose(kept.length-1);
        else if(!inDoc&&key==="Enter"&&event.target===list)doc.focus();
        else return;
        event.preventDefault();});
        var wanted=/^#row=(\\d+)$/.exec(location.hash),start=wanted?+wanted[1]-1:0;
        filter();if(start>0)choose(kept.indexOf(start)<0?0:kept.indexOf(start));
        document.documentElement.dataset.ready="yes";})();

        """
}
